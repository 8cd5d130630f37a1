import UnderstudySchema
import Yams

/// A parsed piece of YAML that knows where it stands: what study files and `--set` values become before they are checked.
///
/// Yams' own decoding is not used because it loses positions and because YAML 1.1's readings (`no` is false, `1_0` is 10,
/// `1e-3` is a text) surprise; here plain scalars are read as YAML 1.2's core schema has it.
struct YAMLTree: Sendable {
  indirect enum Content: Sendable {
    case null
    /// `written` is the text as it stands in the file.
    case scalar(KeyValue, written: String)
    case list([YAMLTree])
    case mapping([Entry])
  }
  struct Entry: Sendable {
    var key: String
    var value: YAMLTree
  }
  /// Where a piece was written.
  struct Place: Hashable, Sendable {
    var origin: String
    var line: Int?
  }

  var content: Content
  var place: Place

  init(content: Content, place: Place) {
    self.content = content
    self.place = place
  }

  /// Parses one document; an empty text is null.
  ///
  /// - Throws: `StudyError` of kind `syntax` with the line.
  static func parse(_ text: String, origin: String, countsLines: Bool = true) throws(StudyError) -> YAMLTree {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntaxError(error, origin: origin, countsLines: countsLines)
    } catch {
      throw StudyError(
        .syntax, origin: origin, problem: "not YAML (\(error))", remedy: "see https://yaml.org for the syntax")
    }
    guard let node else { return YAMLTree(content: .null, place: Place(origin: origin)) }
    var pieces = 0
    return try YAMLTree(node, origin: origin, countsLines: countsLines, depth: 0, pieces: &pieces)
  }

  /// More values than this are a typing error, or aliases of aliases that grow beyond any memory.
  private static let greatestPieceCount = 2_000_000

  /// - Parameter pieces: how many there are so far, those of expanded aliases included.
  private init(
    _ node: Node, origin: String, countsLines: Bool, depth: Int, pieces: inout Int
  ) throws(StudyError) {
    let place = Place(origin: origin, line: countsLines ? node.mark?.line : nil)
    self.place = place
    pieces += 1
    guard pieces <= Self.greatestPieceCount else {
      throw StudyError(
        .syntax, origin: origin, line: place.line,
        problem: "more than \(Self.greatestPieceCount) values, those of aliases (*name) included",
        remedy: "shorten the lists, or make several studies")
    }
    guard depth < 32 else {
      throw StudyError(
        .syntax, origin: origin, line: place.line, problem: "nested more than 32 levels deep",
        remedy: "no key of a study needs that")
    }
    switch node {
    case .scalar(let scalar):
      content = Self.scalar(scalar)
    case .sequence(let sequence):
      try checkDecimalMarks(sequence, place)
      var items: [YAMLTree] = []
      for item in sequence {
        items.append(
          try YAMLTree(item, origin: origin, countsLines: countsLines, depth: depth + 1, pieces: &pieces))
      }
      content = .list(items)
    case .mapping(let mapping):
      var entries: [Entry] = []
      var merged: [Entry] = []
      var lastValue: Node.Scalar?
      for (key, value) in mapping {
        guard case .scalar(let name) = key else {
          throw StudyError(
            .syntax, origin: origin, line: place.line, problem: "a key that is not a single word",
            remedy: "write key: value")
        }
        let tree = try YAMLTree(
          value, origin: origin, countsLines: countsLines, depth: depth + 1, pieces: &pieces)
        if name.string == "<<", name.style == .plain {
          merged += try tree.mergedEntries()
        } else {
          try checkDecimalMark(name, tree, after: lastValue, place)
          lastValue = value.scalar
          entries.append(Entry(key: name.string, value: tree))
        }
      }
      // Its own keys win over merged ones, and of these the first.
      var known = Set(entries.map(\.key))
      content = .mapping(entries + merged.filter { known.insert($0.key).inserted })
    case .alias:
      throw StudyError(
        .syntax, origin: origin, line: place.line, problem: "an alias to an anchor that is not there",
        remedy: "write the value out")
    }
  }

  private static func scalar(_ scalar: Node.Scalar) -> Content {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else { return .scalar(.text(text), written: text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .scalar(.boolean(true), written: text)
    case "false", "False", "FALSE": return .scalar(.boolean(false), written: text)
    case ".inf", "+.inf", ".Inf", ".INF": return .scalar(.number(.infinity), written: text)
    case "-.inf", "-.Inf", "-.INF": return .scalar(.number(-.infinity), written: text)
    case ".nan", ".NaN", ".NAN": return .scalar(.number(.nan), written: text)
    default: return .scalar(number(text) ?? .text(text), written: text)
    }
  }

  /// `10`, `+3`, `-0.1`, `1e-3`, `.5`; `10_000` too, because people write it.
  private static func number(_ text: String) -> KeyValue? {
    guard let first = text.unicodeScalars.first, "0123456789+-.".unicodeScalars.contains(first),
      text.unicodeScalars.allSatisfy({ "0123456789+-.eE_".unicodeScalars.contains($0) }),
      text.unicodeScalars.contains(where: { ("0"..."9").contains($0) }), !text.hasSuffix("_")
    else { return nil }
    let digits = text.filter { $0 != "_" }
    if let integer = Int(digits) { return .integer(integer) }
    return Double(digits).map(KeyValue.number)
  }

  private static func syntaxError(_ error: YamlError, origin: String, countsLines: Bool) -> StudyError {
    func make(_ problem: String, _ line: Int?) -> StudyError {
      StudyError(
        .syntax, origin: origin, line: countsLines ? line : nil, problem: "not YAML: \(problem)",
        remedy: "mind the indentation (spaces, no tabs), closing brackets and quotes, and a space after each colon")
    }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return make(problem, mark.line)
    case .reader(let problem, let offset, _, let yaml):
      return make(problem, offset.map { 1 + yaml.prefix($0).count(where: \.isNewline) })
    case .duplicatedKeysInMapping(let duplicates, let context):
      return StudyError(
        .duplicateKey, origin: origin, line: countsLines ? context.mark.line : nil,
        problem: "\(duplicates.sorted().joined(separator: ", ")) given twice in one mapping", remedy: "keep one")
    default:
      return make("\(error)", nil)
    }
  }
}

extension YAMLTree {
  /// The entries that `<<` merges into the mapping around it: those of a mapping, or of each in a list.
  fileprivate func mergedEntries() throws(StudyError) -> [Entry] {
    var entries: [Entry] = []
    let sources = if case .list(let items) = content { items } else { [self] }
    for item in sources {
      guard case .mapping(let own) = item.content else {
        throw item.wrongType(
          key: "<<", expected: "keys to merge", remedy: "e.g. <<: *base, with &base before a mapping")
      }
      entries += own
    }
    return entries
  }
}

extension YAMLTree {
  /// For "expected ..., found ...": `"fast"`, `3`, `a list`, `nothing`.
  var found: String {
    switch content {
    case .null: "nothing"
    case .scalar(.text, let written): jsonText(written)
    case .scalar(_, let written): written
    case .list: "a list"
    case .mapping: "keys"
    }
  }

  var isNull: Bool {
    if case .null = content { true } else { false }
  }

  /// The items of a list, or the value itself as the only one; none for null.
  var items: [YAMLTree] {
    switch content {
    case .null: []
    case .list(let items): items
    case .scalar, .mapping: [self]
    }
  }

  func error(_ kind: StudyError.Kind, key: String?, _ problem: String, _ remedy: String) -> StudyError {
    StudyError(kind, origin: place.origin, line: place.line, key: key, problem: problem, remedy: remedy)
  }

  func wrongType(key: String, expected: String, remedy: String) -> StudyError {
    error(
      .wrongType, key: key, "expected \(expected), found \(found)",
      decimalMarkRemedy ?? quotesRemedy(expected) ?? remedy)
  }

  /// A number in quotes is a text.
  private func quotesRemedy(_ expected: String) -> String? {
    guard ["an integer", "a number"].contains(expected), case .scalar(.text, let written) = content,
      Self.number(written) != nil
    else { return nil }
    return "write \(written) without quotes"
  }

  /// The text, whatever it looks like: `name: 2024` is "2024".
  func text(key: String) throws(StudyError) -> String {
    guard case .scalar(_, let written) = content else {
      throw wrongType(key: key, expected: "a text", remedy: "write \(key): some words")
    }
    return written
  }

  /// An integer; `1e3` and `5.0` are integers too.
  func integer(key: String, atLeast minimum: Int, atMost maximum: Int = StudyKey.greatestSize) throws(StudyError) -> Int
  {
    let range = minimum...maximum
    let (integer, isIntegral) = integralValue
    guard isIntegral else {
      throw wrongType(key: key, expected: "an integer", remedy: "give \(integerPhrase(range))")
    }
    guard let integer, range.contains(integer) else {
      throw error(.outOfRange, key: key, "\(found) is out of range", "give \(integerPhrase(range))")
    }
    return integer
  }

  /// The value as an integer, whatever way it is written; nil for one that no 64 bits hold. `isIntegral` is false for
  /// fractions and for what is no number.
  var integralValue: (integer: Int?, isIntegral: Bool) {
    guard case .scalar(let value, _) = content else { return (nil, false) }
    if case .integer(let integer) = value { return (integer, true) }
    guard let number = value.number, number.isFinite, number.rounded() == number else { return (nil, false) }
    return (Int(exactly: number), true)
  }

  /// What a range asks for; its end is named where it matters, which is beyond it.
  func integerPhrase(_ range: ClosedRange<Int>) -> String {
    let isAbove =
      if case .scalar(let value, _) = content { (value.number ?? 0) >= Double(range.upperBound) } else { false }
    return isAbove
      ? "an integer from \(range.lowerBound) to \(range.upperBound)" : StudyKey.Form.integer(range).phrase
  }

  /// A finite number.
  func number(key: String) throws(StudyError) -> Double {
    guard case .scalar(let value, _) = content, let number = value.number else {
      throw wrongType(key: key, expected: "a number", remedy: "give a finite number")
    }
    guard number.isFinite else {
      throw error(.outOfRange, key: key, "\(found) is not finite", "give a finite number")
    }
    return number
  }

  /// The entries of a mapping, each key among `known` and once.
  func entries(key: String, known: [String]) throws(StudyError) -> [String: YAMLTree] {
    guard case .mapping(let entries) = content else {
      throw wrongType(key: key, expected: "keys", remedy: "the keys are \(known.joined(separator: ", "))")
    }
    var result: [String: YAMLTree] = [:]
    for entry in entries {
      guard known.contains(entry.key) else {
        throw entry.value.error(
          .unknownKey, key: "\(key).\(entry.key)", "unknown key",
          unknownNameRemedy(for: entry.key, among: known))
      }
      result[entry.key] = entry.value
    }
    return result
  }

  /// The member of an enumeration with that name.
  func choice<Choice: RawRepresentable<String> & CaseIterable>(
    of type: Choice.Type, key: String, what: String
  ) throws(StudyError) -> Choice {
    let name = try text(key: key)
    guard let choice = Choice(rawValue: name) else {
      let names = Choice.allCases.map(\.rawValue)
      throw error(
        .unknownName, key: key, "unknown \(what) \(jsonText(name))",
        unknownNameRemedy(for: name, among: names))
    }
    return choice
  }
}
