import UnderstudySchema

/// What can go wrong with a results folder. Nothing that was in it is lost by any of these.
public enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Not a folder of results: no `results.sqlite`. `likely` is one that may be meant.
  case notResults(folder: String, likely: String?)
  /// Not empty, and not a folder of results.
  case foreignFolder(folder: String, found: String)
  /// A file where the folder should be.
  case isFile(path: String)
  /// A new folder inside another one of results.
  case insideResults(folder: String, results: String)
  /// `results.sqlite` was written by another program, or is damaged.
  case damaged(path: String, reason: String)
  case newerFormat(folder: String, found: Int, known: Int)
  case otherStudy(folder: String, found: String, wanted: String)
  /// Same name, but it holds runs that the study does not declare.
  case otherRuns(folder: String, study: String, count: Int, example: String)
  /// The study trains recorded runs for more epochs, and these cannot go on.
  case cannotGoOn(folder: String, example: String, reason: String)
  /// Another process writes there; the pid is nil if it could not be read.
  case locked(folder: String, pid: Int?)
  case readOnly(folder: String)
  case diskFull(path: String)
  /// A system call on a file failed.
  case file(path: String, action: String, reason: String)
  case database(path: String, reason: String)
  /// Another program's lock, and nobody waits for it any more.
  case busy(path: String, program: String?)
  /// The folder, or its database, is not there any more.
  case vanished(folder: String)
  case alreadyRecorded(run: String)
  case unknownRun(run: String, study: String)
  case notFinite(run: String, measure: Measure, epoch: Int)
  case duplicateMeasurement(run: String, measure: Measure, epoch: Int)
  /// The final student of a run is not there, or not as it was recorded.
  case weights(path: String, fault: WeightsFault.Kind)
  /// A file that the study names is not what it was, and the folder has no copy.
  case source(path: String)
  case study(StudyError)

  public var description: String {
    switch self {
    case .notResults(let folder, let likely):
      "\(folder): not a results folder (no \(ResultsFolder.databaseName)); "
        + (likely.map { "did you mean \($0)?" } ?? "give the folder of an `understudy run`")
    case .foreignFolder(let folder, let found):
      "\(folder): holds other files (\(found)) and no results; give an empty folder or a new one"
    case .isFile(let path): "\(path): is a file; name a folder"
    case .insideResults(let folder, let results):
      "\(folder): is inside the results folder \(results), where only pages (.html) and figures/ are written; name a folder elsewhere"
    case .damaged(let path, let reason):
      "\(path): not a results file of Understudy, or damaged (\(reason)); restore a copy, or use another folder"
    case .newerFormat(let folder, let found, let known):
      "\(folder): format \(found), but this version of Understudy knows formats up to \(known); use a newer Understudy"
    case .otherStudy(let folder, let found, let wanted):
      "\(folder): holds results of the study \"\(found)\", not of \"\(wanted)\"; use another folder"
    case .otherRuns(let folder, let study, let count, let example):
      "\(folder): holds \(count) runs of another version of the study \"\(study)\" (e.g. \(example)), which the study "
        + "as it is now does not declare; use another folder, or undo the change (adding values, seeds and epochs, and leaving "
        + "values and seeds out, is fine; to train only some runs longer, keep all of them in the study, and choose by --where and "
        + "--seed)"
    case .cannotGoOn(let folder, let example, let reason):
      "\(folder): the study trains recorded runs (e.g. \(example)) for more epochs, and these cannot go on: \(reason); use another "
        + "folder, or `understudy forget` the runs first, so that they begin anew"
    case .locked(let folder, let pid):
      "another understudy process (\(pid.map { "pid \($0)" } ?? "pid unknown")) is working in \(folder); wait for it, "
        + "stop it, or use another folder"
    case .readOnly(let folder):
      "\(folder): opened for reading only; open it for writing"
    case .diskFull(let path):
      "\(path): the disk is full (or a quota is reached); make room and run again: only what is missing runs"
    case .file(let path, let action, let reason):
      "\(path): cannot \(action): \(reason); check the folder's permissions and the disk, then run again"
    case .database(let path, let reason):
      "\(path): \(reason); check the disk, then run again: only what is missing runs"
    case .busy(let path, let program):
      "\(path): another program (\(program ?? "unknown")) reads or writes it, so that the last runs could not be recorded; "
        + "run again when it has ended: only what is missing runs"
    case .vanished(let folder):
      "\(folder): the folder, its \(ResultsFolder.databaseName) or its \(ResultsFolder.weightsName) was deleted, moved or replaced "
        + "while the study ran; put it back and run again, or run again: what is missing is made anew"
    case .alreadyRecorded(let run):
      "run \(run) is recorded already; nothing was changed"
    case .unknownRun(let run, let study):
      "run \(run) is not one of the study \"\(study)\"; take the runs from the study itself"
    case .notFinite(let run, let measure, let epoch):
      "run \(run): \(measure.rawValue) at epoch \(epoch) is not finite; end the measurements before a divergence"
    case .duplicateMeasurement(let run, let measure, let epoch):
      "run \(run): \(measure.rawValue) at epoch \(epoch) is given twice; give each measurement once"
    case .weights(let path, let fault):
      "\(path): the run's weights are \(fault.rawValue); run the study again in this folder: it makes them again"
    case .source(let path):
      "\(path): is not the file any more that the study was read with, and the folder keeps no copy of that; put the old one "
        + "back, or run the study with the new one in a new folder"
    case .study(let error): error.description
    }
  }
}
