import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// A student, batch normalisation folded, what it learned from and over which inputs: the final student of a stored run, or of
/// files.
struct StoredStudent {
  let student: Student
  let teacher: Teacher
  /// Of a run the training inputs of the last epoch as they were drawn, before augmentation.
  let inputs: Matrix
  /// What runs are measured with, see ``PreparedRun/bandWidth``.
  let bandWidth: BandWidth
  /// How errors and tables call the student, the teacher and the inputs.
  let names: (student: String, teacher: String, inputs: String)

  init(
    student: Student, teacher: Teacher, inputs: Matrix, bandWidth: BandWidth,
    names: (student: String, teacher: String, inputs: String)
  ) {
    (self.student, self.teacher, self.inputs, self.bandWidth) = (student, teacher, inputs, bandWidth)
    self.names = names
  }

  init(_ run: Run, in store: ResultsStore) throws(ExperimentError) {
    let prepared = try PreparedRun(run)
    let (network, path) = try Self.weights(of: run, in: store, prepared.teacher.network.activation)
    student = Student(network.folded)
    teacher = prepared.teacher
    inputs = prepared.drawnInputs(index: prepared.lastTrainingSetIndex)
    bandWidth = prepared.bandWidth
    let copies = run.setting.inputs.augmentation == .none ? "" : ", without the copies of their augmentation"
    names = (path, "teacher of run \(run.hash)", "training inputs of run \(run.hash)\(copies)")
  }

  /// A student over images whose layers are fully connected; each image is a row of features.
  ///
  /// - Parameter count: how many of the training images, the first ones.
  /// - Returns: nil for networks with convolutions, and for linear ones.
  init?(_ pair: ImageStudent, count: Int) {
    guard pair.hasDenseBoundaries else { return nil }
    student = Student(pair.student.folded)
    teacher = Teacher(pair.teacher.folded)
    inputs = pair.trainingImages.rows(count: count)
    bandWidth = .standard
    names = (
      pair.names.student, pair.names.teacher, "training images 1 to \(inputs.rowCount) of \(pair.names.images)"
    )
  }

  /// The network that a run has ended with, as it was stored, and the path of its file.
  static func weights(
    of run: Run, in store: ResultsStore, _ activation: Activation
  ) throws(ExperimentError) -> (network: Network, path: String) {
    let path = store.weightsURL(of: run.hash).path
    let data = try ExperimentError.storing { () throws(StoreError) in try store.weights(of: run.hash) }
    let network = try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(data, name: path, activation: activation)
    }
    return (network, path)
  }
}
