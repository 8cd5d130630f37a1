import Foundation
import Understudy

/// Lets the process begin again with better kernels of OpenBLAS, where it does not know the processor: it chooses them when it
/// is loaded, before `main`, from `OPENBLAS_CORETYPE`. A user who has set that has chosen.
///
/// The new program takes the place of the old one, with its arguments, files, process number and signals. Where that is not
/// possible (no /proc), the program goes on as it is: only slower.
func restartWithBetterKernels() {
  let (choice, mark) = ("OPENBLAS_CORETYPE", "UNDERSTUDY_CHOSE_CORETYPE")
  if getenv(mark) != nil {
    // Chosen by the process that this one was: programs that are started from here see what the user set.
    unsetenv(choice)
    unsetenv(mark)
    return
  }
  // The arguments as the system has them: with a loader or an emulator before the program, they are not the program's.
  guard getenv(choice) == nil, let kernels = LinearAlgebra.kernels.better,
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
    let line = FileHandle(forReadingAtPath: "/proc/self/cmdline").flatMap({ try? $0.readToEnd() }), line.last == 0
  else { return }
  let arguments = line.dropLast().split(separator: 0, omittingEmptySubsequences: false).map { argument in
    strdup(argument.map { CChar(bitPattern: $0) } + [0])
  }
  setenv(choice, kernels, 1)
  setenv(mark, "1", 1)
  execv(program, arguments + [nil])
  unsetenv(choice)
  unsetenv(mark)
}
