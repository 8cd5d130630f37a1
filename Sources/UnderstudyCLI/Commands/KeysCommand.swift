import ArgumentParser
import Foundation
import Understudy

struct KeysCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "keys",
    abstract:
      "List what a study file can say: keys with their defaults, measures, kinds of figures, statistics of findings.",
    discussion: """
        understudy keys
        understudy keys noise

      With a word: those that have it in their name or explanation. Docs/Studies.md explains measures and kinds of figures. \
      Lines are as wide as COLUMNS says, or 80.
      """)

  @Argument(help: "A word to look for; case does not matter.")
  var word: String?

  func run() async throws {
    try await reportingErrors {
      let found = sections.map { (title: $0.title, entries: $0.entries.filter(isWanted)) }
        .filter { !$0.entries.isEmpty }
      guard !found.isEmpty else {
        throw ValidationError(
          "nothing has '\(word ?? "")' in its name or explanation; "
            + (likely.map { "did you mean '\($0)'?" } ?? "`understudy keys` lists all"))
      }
      let width = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { max(40, $0) } ?? 80
      try printLine(
        found.map { title, entries in
          title + "\n\n" + entries.map { $0.text(width: width) }.joined(separator: "\n")
        }.joined(separator: "\n\n"))
    }
  }

  private struct Entry {
    var name: String
    /// Of keys, what they can be and their default.
    var form = ""
    var explanation = ""

    func text(width: Int) -> String {
      let head = form.isEmpty ? name : "\(name)  (\(form))"
      return (Self.lines(of: head, indent: 2, width) + Self.lines(of: explanation, indent: 6, width))
        .joined(separator: "\n")
    }

    private static func lines(of text: String, indent: Int, _ width: Int) -> [String] {
      var lines: [String] = []
      for word in text.split(separator: " ") {
        if let last = lines.last, last.count + 1 + word.count <= width {
          lines[lines.count - 1] = last + " " + word
        } else {
          // What goes on stands further in than what begins.
          lines.append(String(repeating: " ", count: lines.isEmpty ? indent : 6) + word)
        }
      }
      return lines
    }
  }

  private var sections: [(title: String, entries: [Entry])] {
    [
      (
        "Keys of a setting (any of them may be a list of values)",
        StudyKey.all.map {
          Entry(
            name: $0.path, form: "\($0.form.phrase); default \($0.defaultValue?.description ?? "none")",
            explanation: $0.explanation)
        }
      ),
      ("Measures", Measure.allCases.map { Entry(name: $0.rawValue) }),
      (
        "Kinds of figures",
        FigureDeclaration.Kind.allCases.map { kind in
          Entry(
            name: kind.rawValue, form: kind.options.isEmpty ? "" : "options: " + kind.options.joined(separator: ", "))
        }
      ),
      (
        "Style of a figure, or of all of a study (style: {slides: true})",
        StyleDeclaration.options.map { Entry(name: "style." + $0.key, form: $0.form, explanation: $0.explanation) }
      ),
      (
        "Statistics of findings",
        FindingDeclaration.Statistic.allCases.map { Entry(name: $0.rawValue, explanation: $0.sentence) }
      ),
      ("Bundled studies", BundledStudies.names.map { Entry(name: $0) }),
    ]
  }

  /// What the word most likely means: a name, or a word of one.
  private var likely: String? {
    let names = sections.flatMap(\.entries).map(\.name)
    let parts = names.flatMap { name in name.split { !$0.isLetter }.flatMap { words(of: $0) } }
    return word.flatMap { likelyName(for: $0, among: names) ?? likelyName(for: $0, among: parts) }
  }

  private func isWanted(_ entry: Entry) -> Bool {
    guard let word else { return true }
    return [entry.name, entry.explanation].contains { $0.lowercased().contains(word.lowercased()) }
  }
}

/// The words of a name: `recovered` and `share` of `recoveredShare`.
private func words(of name: Substring) -> [String] {
  name.reduce(into: [""]) { words, letter in
    if letter.isUppercase { words.append("") }
    words[words.count - 1].append(letter.lowercased())
  }
}
