/// The nodes of each hidden layer, lowest first; written `50-75-100-125`.
public struct LayerWidths: Codable, Hashable, Sendable, CustomStringConvertible {
  public var nodes: [Int]

  public init(_ nodes: [Int]) { self.nodes = nodes }

  /// Deeper networks are typing errors.
  public static let greatestDepth = 64

  public var description: String { nodes.map(String.init).joined(separator: "-") }

  /// The widths that a text writes.
  ///
  /// - Throws: ``TextFormError`` for what is no list of integers, for layers without nodes, and for too many layers.
  public init(_ text: String) throws(TextFormError) {
    var nodes: [Int] = []
    for part in text.split(separator: "-", omittingEmptySubsequences: false) {
      let digits = part.trimmed
      guard !digits.isEmpty, digits.unicodeScalars.allSatisfy({ ("0"..."9").contains($0) }) else {
        throw .notOfTheForm
      }
      guard let count = Int(digits), (1...StudyKey.greatestSize).contains(count) else {
        throw .outOfRange("hidden layer \(layerLabel(nodes.count + 1)) has \(digits) nodes")
      }
      nodes.append(count)
    }
    guard nodes.count <= Self.greatestDepth else {
      throw .outOfRange("\(nodes.count) hidden layers are more than \(Self.greatestDepth)")
    }
    self.nodes = nodes
  }
}

/// What people read of a hidden layer by its number from 1: `1 (lowest)`, `2`, and so on.
package func layerLabel(_ number: Int) -> String { number == 1 ? "1 (lowest)" : "\(number)" }

/// Why a text is not the value of a key that has a small language of its own.
public enum TextFormError: Error, Hashable, Sendable {
  case notOfTheForm
  /// Of the form, but with a part that makes no sense, which the text names.
  case outOfRange(String)
}

extension StringProtocol {
  /// Without white space at both ends.
  package var trimmed: String {
    var text = Substring(self)
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}
