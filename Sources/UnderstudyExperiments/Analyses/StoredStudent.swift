import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// The final student of a stored run, batch normalisation folded, and what it learned from.
struct StoredStudent {
  let student: Student
  let teacher: Teacher
  /// The training inputs of the last epoch as they were drawn, before augmentation.
  let inputs: Matrix
  /// What runs are measured with, see ``PreparedRun/bandWidth``.
  let bandWidth: BandWidth
  /// How errors and tables call the student, the teacher and the inputs.
  let names: (student: String, teacher: String, inputs: String)

  init(_ run: Run, in store: ResultsStore) throws(ExperimentError) {
    let prepared = try PreparedRun(run)
    let path = store.weightsURL(of: run.hash).path
    let data = try ExperimentError.storing { () throws(StoreError) in try store.weights(of: run.hash) }
    let network = try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(data, name: path, activation: prepared.teacher.network.activation)
    }
    student = Student(network.folded)
    teacher = prepared.teacher
    inputs = prepared.drawnInputs(index: prepared.trainingSetIndex(epoch: run.setting.lastEpoch))
    bandWidth = prepared.bandWidth
    names = (path, "teacher of run \(run.hash)", "training inputs of run \(run.hash)")
  }
}
