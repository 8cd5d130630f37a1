import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema

/// Why a study cannot run or go on. Divergence is not among them: it is a recorded result.
public enum ExperimentError: Error, Sendable, CustomStringConvertible {
  /// Something the user gave; the message says where and what to change.
  case input(String)
  /// The results folder.
  case store(StoreError)
  /// The weights that were to be stored do not reproduce the loss that training reports: a bug or a broken machine.
  case verification(run: String, stored: Double, reported: Double)

  /// What several runs need was not made, because the study was asked to stop.
  case interrupted

  public var description: String {
    switch self {
    case .interrupted: "the study was asked to stop"
    case .input(let message): message
    case .store(let error): error.description
    case .verification(let run, let stored, let reported):
      "run \(run): the weights to be stored give an evaluation loss of \(stored), training reports \(reported); nothing "
        + "was recorded. Run again; if it stays, please report it with the study file and the output of `understudy bench`"
    }
  }

  package static func catching<Value>(_ place: String? = nil, _ body: () throws(ShapeError) -> Value)
    throws(ExperimentError) -> Value
  {
    do { return try body() } catch { throw .input("\(place.map { "\($0): " } ?? "")\(error)") }
  }

  static func reading<Value>(_ body: () throws(FileError) -> Value) throws(ExperimentError) -> Value {
    do { return try body() } catch { throw .input("\(error)") }
  }

  static func storing<Value>(_ body: () throws(StoreError) -> Value) throws(ExperimentError) -> Value {
    do { return try body() } catch { throw .store(error) }
  }
}
