import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// A trainer for a student: on the kernels of two layers where they can carry the plan out, else on those of any depth.
///
/// - Throws: ``ShapeError`` as the trainers do.
func makeTrainer<Scalar: KernelScalar>(
  _: Scalar.Type, student: Student, plan: TrainingPlan, batches: BatchOrder, optimizerState: OptimizerState? = nil,
  isResuming: Bool = false, instructions: InstructionSet
) throws(ShapeError) -> any StudentTrainer<Scalar> {
  if student.network.layers.count == 2, student.network.isPlain, plan.isPlain {
    return try TwoLayerTrainer<Scalar>(
      student: student, plan: plan, batches: batches, isResuming: isResuming, instructions: instructions)
  }
  return try DeepTrainer<Scalar>(
    student: student, plan: plan, batches: batches, optimizerState: optimizerState, isResuming: isResuming,
    instructions: instructions)
}

extension StudentTrainer {
  func loss(inputs: Matrix, targets: Matrix) -> Double { loss(over: lossSamples(inputs: inputs, targets: targets)) }
}

/// What a run needs to go on: its student and what its update rule remembers, in one safetensors file.
struct TrainingState {
  var student: Student
  var optimizerState: OptimizerState?

  private static let prefix = "optimizer."
  private static let stepCountKey = "understudy.optimizerSteps"

  /// The bytes of a student, with the optimizer's moments beside its tensors if it has any.
  static func encode(
    _ student: Data, optimizerState: OptimizerState?, precision: SafetensorsFile.Precision
  ) throws(FileError) -> Data {
    guard let optimizerState else { return student }
    var file = try SafetensorsFile.decode(student, name: "checkpoint")
    for (index, values) in optimizerState.moments.enumerated() {
      file.tensors["\(prefix)\(index)"] = SafetensorsFile.Tensor(shape: [values.count], values: values)
    }
    file.metadata[stepCountKey] = "\(optimizerState.stepCount)"
    return file.encoded(precision: precision)
  }

  init(decoding data: Data, name: String, activation: Activation) throws(FileError) {
    var file = try SafetensorsFile.decode(data, name: name)
    var moments: [[Double]] = []
    while let tensor = file.tensors.removeValue(forKey: "\(Self.prefix)\(moments.count)") {
      moments.append(tensor.values)
    }
    let stepCount = file.metadata.removeValue(forKey: Self.stepCountKey).flatMap { Int($0) }
    student = Student(
      try NetworkFile.decode(file.encoded(precision: .float64), name: name, activation: activation))
    optimizerState = moments.isEmpty ? nil : OptimizerState(stepCount: stepCount ?? 0, moments: moments)
  }
}
