import ArgumentParser
import Understudy

/// What is wrong with the words of a command line that should name a command and do not, with the one that is most likely
/// meant; nil if they do. (The parser says "unexpected argument" and no more.)
func unknownCommand(in words: some Sequence<String>, of root: any ParsableCommand.Type) -> ValidationError? {
  var command = root
  for word in words {
    let subcommands = command.configuration.subcommands
    guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return nil }
    if let next = subcommands.first(where: {
      $0.configuration.commandName == word || $0.configuration.aliases.contains(word)
    }) {
      command = next
      continue
    }
    let known = subcommands.compactMap { $0.configuration.commandName }
    let remedy =
      likelyName(for: word, among: known).map { "did you mean '\($0)'?" }
      ?? "there are: \(known.joined(separator: ", "))"
    return ValidationError("no command is named '\(word)'; \(remedy)")
  }
  return nil
}

/// The member of an enumeration that an argument names.
///
/// - Throws: `ValidationError` that names the likely one. (The parser would print all of them, and there are many.)
func named<Name: RawRepresentable<String> & CaseIterable>(_ text: String, called what: String) throws -> Name {
  guard let name = Name(rawValue: text) else {
    throw ValidationError(
      "no \(what) is named '\(text)'; "
        + (likelyName(for: text, among: Name.allCases.map(\.rawValue)).map { "did you mean '\($0)'?" }
          ?? "`understudy keys` lists them"))
  }
  return name
}
