import CUnderstudyKernels

/// The largest gradients of a two-layer student over samples and their shifted copies.
///
/// Teacher and student are taken together: node h of the first `teacherCount` belongs to the teacher, the others to the
/// student. A shift adds one number to each node's pre-activation, the same for all samples: that is what moving the
/// samples along a direction does.
public struct ShiftedGradients: Sendable {
  /// max over all samples and shifts so far of |g_k|, `[student node]`.
  public private(set) var nodeMaxima: [Double]

  private let shape: us_joint_shape
  private let fanOut: Matrix
  private let kernels: KernelTable<Double>
  private var workspace: [Double] = []

  /// Prepares the kernels for a teacher and a student whose fan-out weights stay as they are.
  ///
  /// - Parameters:
  ///   - teacherFanOut: `[teacher node, output]`
  ///   - studentFanOut: `[student node, output]`
  ///   - biasDifference: the teacher's output biases minus the student's, `[output]`
  public init(
    teacherFanOut: Matrix, studentFanOut: Matrix, biasDifference: [Double], negativeSlope: Double,
    instructions: InstructionSet = .best
  ) {
    let (m, n, outputs) = (teacherFanOut.rowCount, studentFanOut.rowCount, biasDifference.count)
    precondition(teacherFanOut.columnCount == outputs && studentFanOut.columnCount == outputs)
    let stride = padded(outputs, to: Double.lanePad)
    fanOut = Matrix(
      rowCount: m + n + 1, columnCount: outputs,
      values: teacherFanOut.values + studentFanOut.values.map { -$0 } + biasDifference
    ).padded(columns: stride)
    shape = us_joint_shape(
      node_count: Int64(m + n), first_student: Int64(m), output_count: Int64(outputs), output_stride: Int64(stride),
      negative_slope: negativeSlope)
    kernels = Double.kernels(for: instructions)
    nodeMaxima = [Double](repeating: 0, count: n)
  }

  /// Takes a block of samples with each of the shifts into account.
  ///
  /// - Shape: `preactivations` is `[node, sample]`, with a multiple of 8 samples, `shifts` `[shift, node]`.
  /// - Returns: max over nodes and shifts of |g_k| for each sample of the block.
  /// - Complexity: O(samples x shifts x nodes x outputs), at the speed of the training kernels.
  public mutating func add(_ preactivations: Matrix, shifts: Matrix) -> [Double] {
    let width = preactivations.columnCount
    precondition(width % Double.lanePad == 0 && preactivations.rowCount == Int(shape.node_count))
    precondition(shifts.columnCount == Int(shape.node_count))
    let needed = (Int(shape.node_count) + nodeMaxima.count + 1 + Int(shape.output_count)) * width
    if workspace.count < needed { workspace = [Double](repeating: 0, count: needed) }
    var sampleMaxima = [Double](repeating: 0, count: width)
    var shape = shape
    kernels.shiftedGradients(
      &shape, fanOut.values, preactivations.values, Int64(width), shifts.values, Int64(shifts.rowCount), &nodeMaxima,
      &sampleMaxima, &workspace)
    return sampleMaxima
  }
}
