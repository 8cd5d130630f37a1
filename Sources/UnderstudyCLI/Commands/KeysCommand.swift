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

      With a word, it lists those that have the word in their name or explanation, or whose name it is in other programs (lr, batch_size). \
      Docs/Studies.md says more. Lines are as wide as COLUMNS says, or 80.
      """)

  @Argument(help: "A word to look for; case does not matter.")
  var word: String?

  func run() async throws {
    try await reportingErrors {
      let all = sections
      let same = word.map { sameNames(as: $0, among: all.flatMap(\.entries).map(\.name)) } ?? []
      func found(_ isWanted: (Entry) -> Bool) -> [(title: String, entries: [Entry])] {
        all.map { (title: $0.title, entries: likelyFirst($0.entries.filter(isWanted), same)) }
          .filter { !$0.entries.isEmpty }
      }
      let direct = found(isWanted)
      let shown = direct.isEmpty ? found { same.contains($0.name) } : direct
      guard !shown.isEmpty else {
        throw ValidationError(
          "nothing has '\(word ?? "")' in its name or explanation; "
            + (likely.map { "did you mean '\($0)'?" } ?? "`understudy keys` lists all"))
      }
      let width = ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) }.map { max(40, $0) } ?? 80
      if let word, direct.isEmpty { try printLine("\(word): here it is called \(same.joined(separator: " or "))\n") }
      try printLine(
        shown.map { title, entries in
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

  /// Docs/Studies.md says more of each.
  private static let declarations = [
    Entry(name: "name", explanation: "Names the results folder; by default the file's name without its ending."),
    Entry(name: "claim", explanation: "What the study is to show, in sentences."),
    Entry(
      name: "seeds", form: "a count or a list; default 1", explanation: "Each setting is trained with each of them."),
    Entry(name: "zip", form: "lists of keys", explanation: "Their values go together instead of being combined."),
    Entry(
      name: "conditions", form: "a list of {where, set}", explanation: "Values of keys that hold in a part of the grid."
    ),
    Entry(
      name: "record", form: "a list of {measures, every | epochs | last}", explanation: "What is measured, and when."),
    Entry(
      name: "figures", form: "a list of {name, kind, caption, where, epochs, ...}",
      explanation: "What the report draws; the kinds and their options are below."),
    Entry(
      name: "findings",
      form: "a list of {statement, statistic, epoch, layer, where, compare, as, figure, atLeast, atMost}",
      explanation: "What the study expects of its numbers; compare: {KEY: [VALUE, VALUE]} is over pairs of runs."),
    Entry(name: "scales", form: "named sets of keys", explanation: "Chosen by --scale NAME; they win over the file."),
  ]

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
      ("Keys of a study beside its settings", Self.declarations),
      (
        "Measures",
        Measure.allCases.map {
          Entry(name: $0.rawValue, form: $0.words.shape, explanation: Self.plain($0.words.meaning))
        }
      ),
      (
        "Kinds of figures",
        FigureDeclaration.Kind.allCases.map { kind in
          Entry(
            name: kind.rawValue, form: kind.options.isEmpty ? "" : "options: " + kind.options.joined(separator: ", "),
            explanation: Self.plain(kind.meaning))
        }
      ),
      (
        "Style of a figure, or of all of a study (style: {slides: true})",
        StyleDeclaration.options.map { Entry(name: "style." + $0.key, form: $0.form, explanation: $0.explanation) }
      ),
      (
        "Statistics of findings",
        FindingDeclaration.Statistic.allCases.map { Entry(name: $0.rawValue, explanation: Self.plain($0.sentence)) }
      ),
      ("Bundled studies", BundledStudies.names.map { Entry(name: $0) }),
    ]
  }

  /// Documents put names into backticks.
  private static func plain(_ text: String) -> String { text.filter { $0 != "`" } }

  /// Those first that other programs call so, then those that have the word in their name.
  private func likelyFirst(_ entries: [Entry], _ same: [String]) -> [Entry] {
    let ranks = entries.map { same.contains($0.name) ? 0 : isNamed($0) ? 1 : 2 }
    return (0...2).flatMap { rank in zip(entries, ranks).filter { $0.1 == rank }.map(\.0) }
  }

  /// Case, `_` and `-` do not count in names.
  private func isNamed(_ entry: Entry) -> Bool {
    guard let word else { return true }
    return entry.name.lowercased().contains(word.lowercased().filter { $0 != "_" && $0 != "-" })
  }

  /// What the word most likely means: a name, or a word of one.
  private var likely: String? {
    let names = sections.flatMap(\.entries).map(\.name)
    let parts = names.flatMap { name in name.split { !$0.isLetter }.flatMap { words(of: $0) } }
    return word.flatMap { likelyName(for: $0, among: names + parts) }
  }

  private func isWanted(_ entry: Entry) -> Bool {
    guard let word else { return true }
    return isNamed(entry)
      || [entry.name, entry.form, entry.explanation].contains { $0.lowercased().contains(word.lowercased()) }
  }
}

/// The words of a name: `recovered` and `share` of `recoveredShare`.
private func words(of name: Substring) -> [String] {
  name.reduce(into: [""]) { words, letter in
    if letter.isUppercase { words.append("") }
    words[words.count - 1].append(letter.lowercased())
  }
}
