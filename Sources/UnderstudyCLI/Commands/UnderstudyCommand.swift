import ArgumentParser
import Understudy

@main
enum Program {
  static func main() async {
    StandardStreams.prepare()
    restartWithBetterLibraries()
    await UnderstudyCommand.main()
  }
}

struct UnderstudyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "understudy",
    abstract: "A laboratory for student-teacher learning in ReLU networks.",
    discussion: """
      A fixed teacher network labels the data, a wider student learns from its outputs. A study file declares which \
      teachers, students and data, what to record and which figures to draw; Understudy trains the students, stores \
      every result and writes a report.

        understudy reproduce two-layer          the paper's two-layer figures, small
        understudy run study.yaml --results F   a study of your own; again to go on
        understudy export F --format csv        every recorded number
        understudy status F --runs              every run and its state; extract, zoom, forget take some

      Exit codes: 0 done, 1 a fault of the machine or of Understudy, 2 bad input, 64 wrong usage, 130 interrupted.
      """,
    version: understudyVersion,
    subcommands: [
      RunCommand.self, ReproduceCommand.self, StatusCommand.self, CheckCommand.self, ExportCommand.self,
      ExtractCommand.self, ZoomCommand.self, ForgetCommand.self,
      StatisticsCommand.self, ReportCommand.self,
      AuditCommand.self, ConnectCommand.self, RecoverCommand.self, PruneCommand.self, ConvertCommand.self,
      OutputsCommand.self,
      DataCommand.self, KeysCommand.self,
      BenchCommand.self,
    ])

  static func main() async {
    do {
      if let error = unknownCommand(in: CommandLine.arguments.dropFirst(), of: Self.self) { throw error }
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand { try await command.run() } else { try command.run() }
    } catch {
      exit(withError: told(error))
    }
  }

  /// Prints what ArgumentParser has to say, as all else is printed: help that cannot be written whole is an error, and what is wrong
  /// with an argument names it, which may have come from anywhere.
  ///
  /// - Returns: the exit code that is left.
  private static func told(_ error: any Error) -> any Error {
    let (text, code) = (fullMessage(for: error), exitCode(for: error))
    guard !text.isEmpty else { return code }
    guard code == .success else {
      writeError(text)
      return code
    }
    do { try printLine(text) } catch { return error }
    return code
  }
}
