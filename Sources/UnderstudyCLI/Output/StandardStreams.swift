import ArgumentParser
import Foundation
import Understudy

/// Standard input, output and error, any of which may be closed, full, or a pipe whose reader is gone.
enum StandardStreams {
  /// To be called before anything opens a file.
  ///
  /// A closed descriptor would be given to the next file that is opened, and messages would be written into that: it is opened
  /// on the null device. A reader that is gone must not end the program: writing to it then fails, which ``write(_:)`` and
  /// ``writeError(_:)`` deal with.
  static func prepare() {
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free descriptor is taken, which is this one.
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY)
    }
    signal(SIGPIPE, SIG_IGN)
    // Beyond a limit of file sizes, writing fails and is reported, as on a full disk.
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Writes results to standard output.
  ///
  /// - Throws: `ExitCode(1)`, after a message, if they cannot be written whole, as on a full disk; silently if the reader is
  ///   gone, as `head` is once it has its lines.
  static func write(_ text: String) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
    } catch {
      let code = systemCode(of: error)
      if code != EPIPE {
        writeError(
          "error: standard output cannot be written: \(String(cString: strerror(code))); what was printed is not whole. "
            + "Make room, or write elsewhere")
      }
      throw ExitCode(1)
    }
  }
}

/// Prints results: a line on standard output, as ``StandardStreams/write(_:)``.
func printLine(_ text: String = "") throws { try StandardStreams.write(text.withVisibleControls + "\n") }

/// Writes a line to standard error; if nobody can read it, nothing happens.
func writeError(_ text: String) { writeProgress(text.withVisibleControls + "\n") }

/// Writes to standard error without ending the line. If nobody can read it, nothing happens: telling of progress must not
/// end the work.
func writeProgress(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }

extension String {
  /// With control characters other than line feeds and tabs written out, as `\u{1B}`: texts from files must not steer the
  /// terminal.
  var withVisibleControls: String {
    // Bytes are faster to look at: controls are below 0x20, 0x7F, or two bytes of which the first is 0xC2.
    let isPlain = utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0xC2 || $0 == 0x0A || $0 == 0x09 }
    guard !isPlain else { return self }
    return unicodeScalars.reduce(into: "") { text, scalar in
      let isControl = scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
      if isControl {
        text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}
