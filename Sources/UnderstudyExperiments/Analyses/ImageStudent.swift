import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

/// A student over images, what it learned from, and the images: from files, or of a stored run.
struct ImageStudent {
  let student: Network
  /// The oracle, or the teacher where nothing was pruned.
  let teacher: Network
  /// As they are, before any augmentation.
  let trainingImages: ImageBatcher
  let evaluationImages: ImageBatcher
  /// How errors and tables call the student, the teacher and the images.
  let names: (student: String, teacher: String, images: String)

  /// Whether all layers of both networks are fully connected, with nodes that have boundaries.
  var hasDenseBoundaries: Bool {
    [student, teacher].allSatisfy { $0.isDense && $0.activation.negativeSlope < 1 }
  }

  /// - Parameters:
  ///   - images: the name or folder of the set, of which all images are taken.
  ///   - normalization: of their channels; nil: by the means and deviations of the set.
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  init(
    teacherPath: String, studentPath: String, images: String, normalization: ChannelNormalization?,
    activation: Activation
  ) throws(ExperimentError) {
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    let data = try ImageData(path: images, normalization: normalization)
    (student, teacher) = (networks.student.network, networks.teacher.network)
    (trainingImages, evaluationImages) = (data.allTrainingImages, data.allEvaluationImages)
    names = (studentPath, teacherPath, images)
    try check(data)
  }

  /// - Throws: ``ExperimentError`` if images, weights or the oracle are not there or not what they were.
  init(_ run: Run, in store: ResultsStore, _ data: ImageData) throws(ExperimentError) {
    let isPruned = run.setting.oracle.prunedShares != nil
    let what = isPruned ? "oracle" : "teacher"
    teacher = try LabelTraining.stored(isPruned ? .oracle(of: run) : .imageTeacher(of: run), what, of: run, in: store)
    let (network, path) = try StoredStudent.weights(of: run, in: store, Activation(run.setting.network))
    student = network
    trainingImages = try data.trainingImages(run.setting.inputs, key: 0).batcher
    evaluationImages = try data.evaluationImages(run.setting.inputs)
    names = (path, "\(what) of run \(run.hash)", "run \(run.hash)")
    try check(data)
  }

  private func check(_ data: ImageData) throws(ExperimentError) {
    for (network, name) in [(teacher, names.teacher), (student, names.student)] { try data.check(network, name: name) }
  }
}
