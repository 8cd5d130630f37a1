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
