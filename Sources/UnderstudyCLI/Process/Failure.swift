import ArgumentParser
import Foundation
import Understudy

/// Prints an error for a person and turns it into the exit code that scripts read.
func reportingErrors<Value>(_ body: () async throws -> Value) async throws -> Value {
  do {
    return try await body()
  } catch let error as ExitCode {
    throw error
  } catch let error as ValidationError {
    throw error
  } catch {
    writeError("error: \(reason(of: error))")
    throw ExitCode(exitCode(of: error))
  }
}

/// 2 for what the user gave, 1 for everything else.
private func exitCode(of error: any Error) -> Int32 {
  switch error {
  case is StudyError, is FileError, is ExportError: 2
  case ExperimentError.input: 2
  case ExperimentError.store(let error): exitCode(of: error)
  case StoreError.diskFull, StoreError.file, StoreError.database, StoreError.busy, StoreError.vanished: 1
  case is StoreError: 2
  case FigureError.unknownKey, FigureError.emptySelection, FigureError.notPlottable: 2
  default: 1
  }
}
