import Foundation
import Understudy

/// Lets the process begin again where libraries should be told something that they read when they are loaded, before `main`:
///
/// - `OPENBLAS_CORETYPE`: better kernels of OpenBLAS, if it does not know the processor;
/// - `OMP_WAIT_POLICY`: threads of oneDNN that wait for each other give the processor away, if the command may train networks over
///   images. By default they use it up, and beside another program each step then takes many times as long.
///
/// A user who has set one of them has chosen. The new program takes the place of the old one, with its arguments, files, process
/// number and signals. Where that is not possible (no /proc), the program goes on as it is: only slower.
func restartWithBetterLibraries() {
  let mark = "UNDERSTUDY_CHOSE"
  if let chosen = getenv(mark) {
    // By the process that this one was: programs that are started from here see what the user set.
    for name in String(cString: chosen).split(separator: ",") { unsetenv(String(name)) }
    unsetenv(mark)
    return
  }
  var choices: [String: String] = [:]
  if let kernels = LinearAlgebra.kernels.better { choices["OPENBLAS_CORETYPE"] = kernels }
  if !Set(CommandLine.arguments.dropFirst().prefix(1)).isDisjoint(with: ["run", "reproduce", "bench", "prune"]) {
    choices["OMP_WAIT_POLICY"] = "passive"
  }
  choices = choices.filter { getenv($0.key) == nil }
  // The arguments as the system has them: with a loader or an emulator before the program, they are not the program's.
  guard !choices.isEmpty, let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
    let line = FileHandle(forReadingAtPath: "/proc/self/cmdline").flatMap({ try? $0.readToEnd() }), line.last == 0
  else { return }
  let arguments = line.dropLast().split(separator: 0, omittingEmptySubsequences: false).map { argument in
    strdup(argument.map { CChar(bitPattern: $0) } + [0])
  }
  for (name, value) in choices { setenv(name, value, 1) }
  setenv(mark, choices.keys.sorted().joined(separator: ","), 1)
  execv(program, arguments + [nil])
  for name in choices.keys { unsetenv(name) }
  unsetenv(mark)
}
