import CUnderstudyKernels

/// A network of any depth in the memory layout of the kernels, and the workspace to train it.
///
/// Every element of a product is summed in one order, so that results have the same bits whatever the number of threads,
/// and with AVX2 and AVX-512. A class because kernels change its memory in place; one run owns one.
public final class DeepKernel<Scalar: KernelScalar> {
  public let shape: NetworkShape
  public let loss: TrainingLoss
  /// Threads that share the rows of each product that is large enough; 1 or more.
  public var threadCount = 1 {
    didSet { precondition(threadCount > 0) }
  }
  let kernels: KernelTable<Scalar>
  /// Elements from one row of a layer's weights to the next, and from one sample's inputs of that layer to the next.
  let strides: [Int]
  let outputStride: Int
  /// W of each layer, `[node, stride]`, the bias in the column behind the last input.
  let weights: [AlignedBuffer<Scalar>]
  /// Scale and shift of each hidden layer's normalisation, one after the other; empty without them.
  let scales: [AlignedBuffer<Scalar>]
  let shifts: [AlignedBuffer<Scalar>]
  /// Everything that a step moves: the weights of each layer, then scales, then shifts.
  let parameters: [AlignedBuffer<Scalar>]
  /// Running statistics of each hidden layer.
  let runningMeans: [AlignedBuffer<Scalar>]
  let runningVariances: [AlignedBuffer<Scalar>]
  /// Negative gradients of `parameters`; those of the weights only if the update rule needs them.
  private(set) var gradients: [AlignedBuffer<Scalar>] = []
  /// Of the update rule: velocities, or first and then second moments, of each of `parameters`.
  var moments: [AlignedBuffer<Scalar>] = []
  var stepCount = 0
  private(set) var workspace: DeepWorkspace<Scalar>
  let rowShares = RowShares()

  public init(shape: NetworkShape, loss: TrainingLoss = .squaredError, instructions: InstructionSet = .best) {
    self.shape = shape
    self.loss = loss
    kernels = Scalar.kernels(for: instructions)
    let bias = shape.hasBiases ? 1 : 0
    strides = shape.widths.dropLast().enumerated().map { layer, width in
      let lines = padded(width + bias, to: Scalar.lanePad) / Scalar.lanePad
      // Above the lowest layer an odd number of cache lines: rows that begin in few sets of a cache push each other out.
      return (layer == 0 ? lines : lines | 1) * Scalar.lanePad
    }
    outputStride = padded(shape.widths[shape.layerCount], to: Scalar.lanePad)
    weights = zip(shape.widths.dropFirst(), strides).map { AlignedBuffer(count: $0 * $1) }
    let hidden = shape.normalization == .none ? [] : Array(shape.widths.dropFirst().dropLast())
    scales = shape.hasLearntScale ? hidden.map { AlignedBuffer(count: $0) } : []
    shifts = shape.hasLearntScale ? hidden.map { AlignedBuffer(count: $0) } : []
    parameters = weights + scales + shifts
    runningMeans = hidden.map { AlignedBuffer(count: $0) }
    runningVariances = hidden.map { AlignedBuffer(count: $0) }
    workspace = DeepWorkspace(shape: shape, strides: strides, outputStride: outputStride, batchSize: 1)
  }

  public var isFinite: Bool { (parameters + runningMeans + runningVariances).allSatisfy(\.isFinite) }

  /// Processor time that threads beside the calling one have taken for this kernel.
  public var helperSeconds: Double { rowShares.helperSeconds }

  /// Rescales each row of the lowest layer, without its bias, to unit norm.
  public func normalizeFirstLayer() {
    kernels.unitRows(Int64(shape.widths[1]), Int64(shape.widths[0]), weights[0].start, Int64(strides[0]))
  }

  /// Steps in place, one for each `batchSize` entries of `indices`.
  ///
  /// - Precondition: every index is below `samples.count`; `indices.count` is a multiple of `batchSize`, which is 2 or more
  ///   with batch normalisation.
  /// - Complexity: `shape.stepFLOPs(batch:)` a step; allocates only when the batch size or the rule changes.
  public func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: UpdateRule) {
    precondition(batchSize > 0 && indices.count % batchSize == 0)
    precondition(shape.normalization == .none || batchSize > 1, "one sample has no variance")
    guard let largest = indices.max() else { return }
    precondition(Int(largest) < samples.count, "batch index \(largest) is past the last of \(samples.count) samples")
    let rows = samples.rows(for: shape)
    reserve(batchSize: batchSize, rule: rule)
    for first in stride(from: 0, to: indices.count, by: batchSize) {
      for i in 0..<workspace.lanes {
        point(lane: i, at: Int(indices[first + min(i, batchSize - 1)]), of: rows)
      }
      step(count: batchSize, rule: rule)
    }
  }

  /// One step of full-batch gradient descent in place. The gradient is summed over blocks of 64 samples in order.
  ///
  /// - Precondition: no batch normalisation.
  public func descend(on samples: PackedSamples<Scalar>, rule: UpdateRule) {
    precondition(shape.normalization == .none, "blocks have statistics of their own")
    let rows = samples.rows(for: shape)
    reserve(batchSize: fullBatchBlock, rule: rule, keepsGradients: true)
    for gradient in gradients { gradient.clear() }
    for first in stride(from: 0, to: samples.count, by: fullBatchBlock) {
      let count = min(fullBatchBlock, samples.count - first)
      for i in 0..<workspace.lanes { point(lane: i, at: first + min(i, count - 1), of: rows) }
      forward(count: count)
      startBackward(count: count, scale: 1 / Double(samples.count))
      backward(count: count, rule: rule) { self.gradients[$0] }
    }
    apply(rule)
  }

  /// The mean loss over samples of a network without normalisation; not finite once it has diverged.
  public func loss(over samples: PackedSamples<Scalar>) -> Double {
    precondition(shape.normalization == .none, "fold the network first: batches have statistics of their own")
    let rows = samples.rows(for: shape)
    if workspace.batchSize != fullBatchBlock { workspace = newWorkspace(batchSize: fullBatchBlock) }
    let lanes = workspace.lanes
    var total = 0.0
    for first in stride(from: 0, to: samples.count, by: fullBatchBlock) {
      let count = min(fullBatchBlock, samples.count - first)
      for i in 0..<lanes { point(lane: i, at: first + min(i, count - 1), of: rows) }
      forward(count: count)
      for i in 0..<count {
        total += Scalar.loss(
          loss, target: rows.targets.start + (first + i) * outputStride, outputs: workspace.outputs.start + i,
          stride: lanes, count: shape.outputCount)
      }
    }
    return total / Double(samples.count)
  }

  // MARK: Memory and threads

  private func newWorkspace(batchSize: Int) -> DeepWorkspace<Scalar> {
    DeepWorkspace(shape: shape, strides: strides, outputStride: outputStride, batchSize: batchSize)
  }

  private func reserve(batchSize: Int, rule: UpdateRule, keepsGradients: Bool = false) {
    if workspace.batchSize != batchSize { workspace = newWorkspace(batchSize: batchSize) }
    guard keepsGradients || !rule.isPlain else { return }
    if gradients.isEmpty { gradients = parameters.map { AlignedBuffer(count: $0.count) } }
    let wanted = rule.optimizer == .adam ? 2 * gradients.count : gradients.count
    if moments.count != wanted {
      moments = (0..<wanted).map { AlignedBuffer(count: gradients[$0 % gradients.count].count) }
    }
  }

  private func point(lane: Int, at sample: Int, of samples: SampleRows<Scalar>) {
    workspace.inputRows[0].start[lane] = UnsafePointer(samples.inputs.start + sample * samples.strides.inputs)
    workspace.targetRows.start[lane] = UnsafePointer(samples.targets.start + sample * samples.strides.outputs)
  }
}

/// Samples that losses and full-batch gradients take at a time.
private let fullBatchBlock = 64
