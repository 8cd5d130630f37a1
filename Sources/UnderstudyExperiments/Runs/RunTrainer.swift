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
