import ArgumentParser
import Understudy

/// Words behind a command that only has subcommands, when they name none of them.
struct UnknownCommand: ParsableArguments {
  @Argument(parsing: .allUnrecognized, help: .hidden)
  var words: [String] = []

  /// - Throws: `ValidationError` that names the subcommand that is most likely meant; a request for help without words.
  func answer<Command: ParsableCommand>(_ command: Command.Type) throws {
    guard let word = words.first else { throw CleanExit.helpRequest(command) }
    guard !word.hasPrefix("-") else { throw ValidationError("unknown option '\(word)'") }
    let known = command.configuration.subcommands.compactMap { $0.configuration.commandName }
    let remedy =
      likelyName(for: word, among: known).map { "did you mean '\($0)'?" } ?? "there are: \(known.joined(separator: ", "))"
    throw ValidationError("no command is named '\(word)'; \(remedy)")
  }
}
