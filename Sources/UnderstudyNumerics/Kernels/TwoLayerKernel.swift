import CUnderstudyKernels

/// The sizes of a two-layer network.
public struct TwoLayerShape: Sendable, Hashable {
  /// d
  public var inputCount: Int
  /// n
  public var hiddenCount: Int
  /// C
  public var outputCount: Int
  public var hasBiases: Bool
  /// Slope of the activation for negative pre-activations: 0 is ReLU, 1 a linear network.
  public var negativeSlope: Double

  public init(inputCount: Int, hiddenCount: Int, outputCount: Int, hasBiases: Bool, negativeSlope: Double) {
    self.inputCount = inputCount
    self.hiddenCount = hiddenCount
    self.outputCount = outputCount
    self.hasBiases = hasBiases
    self.negativeSlope = negativeSlope
  }

  /// Floating-point operations (2 a multiply-add) of one SGD step over `batch` samples with cached targets: forward,
  /// backward and update, without padding.
  public func stepFLOPs(batch: Int) -> Double {
    let bias = hasBiases ? 1 : 0
    let first = 2 * (inputCount + bias) * hiddenCount
    let last = 2 * outputCount * (hiddenCount + bias)
    return 2 * Double(batch) * Double(first + last + outputCount * hiddenCount)
  }
}

/// Strides of packed samples and, with two layers, of packed weights.
struct SampleLayout: Hashable {
  let inputStride: Int
  let outputStride: Int

  init(inputCount: Int, outputCount: Int, hasBiases: Bool, lanePad: Int) {
    inputStride = padded(inputCount + (hasBiases ? 1 : 0), to: lanePad)
    outputStride = padded(outputCount, to: lanePad)
  }
}

/// The weights of a two-layer network: `first` `[hidden, input]`, `last` `[output, hidden]`, biases or none.
public struct TwoLayerWeights: Sendable, Equatable {
  public var first: Matrix
  public var firstBiases: [Double]?
  public var last: Matrix
  public var lastBiases: [Double]?

  public init(first: Matrix, firstBiases: [Double]?, last: Matrix, lastBiases: [Double]?) {
    self.first = first
    self.firstBiases = firstBiases
    self.last = last
    self.lastBiases = lastBiases
  }
}

/// What a training step changes, and by how much.
public struct UpdateRule: Sendable, Hashable {
  public var learningRate: Double
  public var updatesFirstLayer: Bool
  public var updatesLastLayer: Bool
  /// Rescale each first-layer row, without its bias, to unit norm after every step.
  public var unitNormFirstLayer: Bool

  public init(
    learningRate: Double, updatesFirstLayer: Bool = true, updatesLastLayer: Bool = true,
    unitNormFirstLayer: Bool = false
  ) {
    self.learningRate = learningRate
    self.updatesFirstLayer = updatesFirstLayer
    self.updatesLastLayer = updatesLastLayer
    self.unitNormFirstLayer = unitNormFirstLayer
  }
}

/// A two-layer network in the memory layout of the kernels, and the workspace to train it.
///
/// A class because kernels change its memory in place; one run owns one, on one thread.
public final class TwoLayerKernel<Scalar: KernelScalar> {
  public let shape: TwoLayerShape
  public let instructions: InstructionSet
  private let kernels: KernelTable<Scalar>
  private let layout: SampleLayout
  private var cShape: us_two_layer_shape
  private let first: AlignedBuffer<Scalar>
  private let last: AlignedBuffer<Scalar>
  private var workspace: AlignedBuffer<Scalar>
  /// Full-batch gradients; allocated by the first step of gradient descent.
  private var gradients: (first: AlignedBuffer<Scalar>, last: AlignedBuffer<Scalar>)?

  public init(shape: TwoLayerShape, instructions: InstructionSet = .best) {
    self.shape = shape
    self.instructions = instructions
    kernels = Scalar.kernels(for: instructions)
    layout = SampleLayout(
      inputCount: shape.inputCount, outputCount: shape.outputCount, hasBiases: shape.hasBiases, lanePad: Scalar.lanePad)
    let bias = shape.hasBiases ? 1 : 0
    cShape = us_two_layer_shape(
      input_width: Int64(shape.inputCount + bias), hidden_count: Int64(shape.hiddenCount),
      hidden_width: Int64(shape.hiddenCount + bias), output_count: Int64(shape.outputCount),
      input_stride: Int64(layout.inputStride), output_stride: Int64(layout.outputStride),
      negative_slope: shape.negativeSlope)
    first = AlignedBuffer(count: shape.hiddenCount * layout.inputStride)
    last = AlignedBuffer(count: (shape.hiddenCount + bias) * layout.outputStride)
    workspace = AlignedBuffer(count: 0)
  }

  /// The weights, converted to and from `Double`; a `Float` network's weights survive the round trip exactly.
  public var weights: TwoLayerWeights {
    get {
      let (d, n, c) = (shape.inputCount, shape.hiddenCount, shape.outputCount)
      var result = TwoLayerWeights(
        first: Matrix(rowCount: n, columnCount: d), firstBiases: shape.hasBiases ? [] : nil,
        last: Matrix(rowCount: c, columnCount: n), lastBiases: shape.hasBiases ? [] : nil)
      for k in 0..<n {
        for f in 0..<d { result.first[k, f] = Double(first.start[k * layout.inputStride + f]) }
        for o in 0..<c { result.last[o, k] = Double(last.start[k * layout.outputStride + o]) }
      }
      if shape.hasBiases {
        result.firstBiases = (0..<n).map { Double(first.start[$0 * layout.inputStride + d]) }
        result.lastBiases = (0..<c).map { Double(last.start[n * layout.outputStride + $0]) }
      }
      return result
    }
    set {
      let (d, n, c) = (shape.inputCount, shape.hiddenCount, shape.outputCount)
      precondition(newValue.first.rowCount == n && newValue.first.columnCount == d, "first layer of another shape")
      precondition(newValue.last.rowCount == c && newValue.last.columnCount == n, "output layer of another shape")
      precondition((newValue.firstBiases != nil) == shape.hasBiases && (newValue.lastBiases != nil) == shape.hasBiases)
      copyRows(of: newValue.first, to: first.start, stride: layout.inputStride)
      copyRows(of: newValue.last.transposed, to: last.start, stride: layout.outputStride)
      for (k, bias) in (newValue.firstBiases ?? []).enumerated() {
        first.start[k * layout.inputStride + d] = Scalar(bias)
      }
      for (o, bias) in (newValue.lastBiases ?? []).enumerated() {
        last.start[n * layout.outputStride + o] = Scalar(bias)
      }
    }
  }

  /// Whether every weight is finite.
  public var isFinite: Bool {
    (0..<first.count).allSatisfy { first.start[$0].isFinite } && (0..<last.count).allSatisfy { last.start[$0].isFinite }
  }

  /// Rescales each first-layer row, without its bias, to unit norm. A row of zeros stays.
  public func normalizeFirstLayer() {
    kernels.unitRows(cShape.hidden_count, Int64(shape.inputCount), first.start, Int64(layout.inputStride))
  }

  /// Steps of SGD in place, one for each `batchSize` entries of `indices`.
  ///
  /// - Precondition: every index is below `samples.count`; `indices.count` is a multiple of `batchSize`.
  /// - Complexity: `shape.stepFLOPs(batch:)` a step; allocates only when a batch is larger than any before.
  public func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: UpdateRule) {
    precondition(batchSize > 0 && indices.count % batchSize == 0)
    precondition(samples.layout == layout, "samples packed for another shape")
    guard let largest = indices.max() else { return }
    precondition(Int(largest) < samples.count, "batch index \(largest) is past the last of \(samples.count) samples")
    reserve(Int(us_two_layer_workspace(&cShape, Int64(batchSize), Int64(Scalar.lanePad))))
    var update = us_update(
      scale: rule.learningRate / Double(batchSize), update_first: rule.updatesFirstLayer ? 1 : 0,
      update_last: rule.updatesLastLayer ? 1 : 0, unit_norm_first: rule.unitNormFirstLayer ? 1 : 0)
    indices.withUnsafeBufferPointer { indices in
      kernels.train(
        &cShape, first.start, last.start, samples.inputs.start, samples.targets.start, indices.baseAddress,
        Int64(batchSize), Int64(indices.count / batchSize), &update, workspace.start)
    }
  }

  /// One step of full-batch gradient descent in place. The gradient is summed over blocks of 32 samples in order.
  public func descend(on samples: PackedSamples<Scalar>, rule: UpdateRule) {
    precondition(samples.layout == layout, "samples packed for another shape")
    let block = 32
    reserve(Int(us_two_layer_workspace(&cShape, Int64(block), Int64(Scalar.lanePad))))
    let sum = gradients ?? (AlignedBuffer(count: first.count), AlignedBuffer(count: last.count))
    gradients = sum
    sum.first.clear()
    sum.last.clear()
    for start in stride(from: 0, to: samples.count, by: block) {
      kernels.accumulate(
        &cShape, first.start, last.start, rule.updatesFirstLayer ? sum.first.start : nil,
        rule.updatesLastLayer ? sum.last.start : nil, samples.inputs.start, samples.targets.start, Int64(start),
        Int64(min(block, samples.count - start)), rule.learningRate / Double(samples.count), workspace.start)
    }
    if rule.updatesFirstLayer { for i in 0..<first.count { first.start[i] += sum.first.start[i] } }
    if rule.updatesLastLayer { for i in 0..<last.count { last.start[i] += sum.last.start[i] } }
    if rule.unitNormFirstLayer && rule.updatesFirstLayer { normalizeFirstLayer() }
  }

  /// J = 1/2 mean over samples of ||target - output||^2; not finite once the network has diverged.
  public func loss(over samples: BlockedSamples<Scalar>) -> Double {
    let width = BlockedSamples<Scalar>.width
    reserve((shape.hiddenCount + 1 + shape.outputCount) * width + 2 * width)
    let sum = kernels.squaredError(
      &cShape, first.start, last.start, samples.inputs.start, samples.targets.start, Int64(samples.count),
      Int64(width), workspace.start)
    return sum / (2 * Double(samples.count))
  }

  private func reserve(_ count: Int) {
    if workspace.count < count { workspace = AlignedBuffer(count: count) }
  }
}
