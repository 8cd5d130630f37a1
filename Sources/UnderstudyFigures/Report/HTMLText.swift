import Foundation

extension String {
  /// This text with HTML's special characters replaced, for content and for attributes in double quotes.
  var escapedForHTML: String {
    var output = ""
    output.reserveCapacity(utf8.count)
    for character in unicodeScalars {
      switch character {
      case "&": output += "&amp;"
      case "<": output += "&lt;"
      case ">": output += "&gt;"
      case "\"": output += "&quot;"
      case "'": output += "&#39;"
      default: output.unicodeScalars.append(character)
      }
    }
    return output
  }

  /// This JavaScript so that no part of it ends the `script` element it stands in. `<\/` means `</` in strings and regular
  /// expressions, the only places where it occurs; `<!--` would hide a later end tag.
  var escapedForScript: String {
    replacingOccurrences(of: "</script", with: "<\\/script", options: .caseInsensitive)
      .replacingOccurrences(of: "<!--", with: "<\\!--")
  }

  /// This JSON so that it can stand in a `script` element: `<` occurs in texts only.
  var escapedForJSONScript: String { replacingOccurrences(of: "<", with: "\\u003c") }
}

/// Names and what they are.
func htmlList(_ entries: [(String, String)]) -> String {
  let list = entries.map { "<dt>\($0.0.escapedForHTML)</dt><dd>\($0.1.escapedForHTML)</dd>" }.joined(separator: "\n")
  return "<dl>\n\(list)\n</dl>"
}

/// A box of remarks; empty without any.
func htmlWarning(_ title: String, _ remarks: [String]) -> String {
  guard !remarks.isEmpty else { return "" }
  let list = remarks.map { "<li>\($0.escapedForHTML)</li>" }.joined()
  return "<div class=\"warning\"><p><strong>\(title):</strong></p><ul>\(list)</ul></div>"
}

/// A table; `head` and `rows` are HTML already.
///
/// - Parameters:
///   - numeric: columns of numbers.
///   - style: its class: `wide` sets many columns closely, `findings` is what scripts look for.
func htmlTable(
  caption: String, head: [String], rows: [[String]], numeric: Set<Int> = [], style: String = ""
) -> String {
  func attribute(_ column: Int) -> String { numeric.contains(column) ? " class=\"number\"" : "" }
  let header = head.enumerated().map { "<th scope=\"col\"\(attribute($0.offset))>\($0.element)</th>" }.joined()
  // On a phone each row is a list of its cells, with their columns' titles.
  let titles = head.map { " data-title=\"\($0.replacing(/<[^>]*>/, with: ""))\"" }
  let body = rows.map { row in
    "<tr>" + row.enumerated().map { "<td\(attribute($0.offset))\(titles[$0.offset])>\($0.element)</td>" }.joined()
      + "</tr>"
  }
  return """
    <div class="scroll" tabindex="0"><table\(style.isEmpty ? "" : " class=\"\(style)\"")>
    <caption>\(caption.escapedForHTML)</caption>
    <thead><tr>\(header)</tr></thead>
    <tbody>
    \(body.joined(separator: "\n"))
    </tbody></table></div>
    """
}
