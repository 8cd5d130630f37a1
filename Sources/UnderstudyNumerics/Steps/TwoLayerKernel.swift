import CUnderstudyKernels

/// A two-layer network in the memory layout of its own kernels, and the workspace to train it: plain steps along the gradient
/// of the squared error, without normalisation.
///
/// A class because kernels change its memory in place; one run owns one, on one thread.
public final class TwoLayerKernel<Scalar: KernelScalar> {
  public let shape: NetworkShape
  private let kernels: KernelTable<Scalar>
  private let strides: SampleStrides
  private var cShape: us_two_layer_shape
  /// W1, `[node, stride]`, the bias in the column behind the last input.
  private let first: AlignedBuffer<Scalar>
  /// W2 transposed, `[node, stride]`: a node's fan-out a row, the biases the last one.
  private let last: AlignedBuffer<Scalar>
  private var workspace: AlignedBuffer<Scalar>
  /// Full-batch gradients; allocated by the first step of gradient descent.
  private var gradients: (first: AlignedBuffer<Scalar>, last: AlignedBuffer<Scalar>)?

  /// - Precondition: two layers, no normalisation, the squared error.
  public init(shape: NetworkShape, loss: TrainingLoss = .squaredError, instructions: InstructionSet = .best) {
    precondition(shape.layerCount == 2 && shape.normalization == .none && loss == .squaredError, "of another kernel")
    self.shape = shape
    kernels = Scalar.kernels(for: instructions)
    let bias = shape.hasBiases ? 1 : 0
    strides = SampleStrides(
      inputCount: shape.inputCount, outputCount: shape.outputCount, hasBiases: shape.hasBiases, lanePad: Scalar.lanePad)
    let hiddenCount = shape.widths[1]
    cShape = us_two_layer_shape(
      input_width: Int64(shape.inputCount + bias), hidden_count: Int64(hiddenCount),
      hidden_width: Int64(hiddenCount + bias), output_count: Int64(shape.outputCount),
      input_stride: Int64(strides.inputs), output_stride: Int64(strides.outputs), negative_slope: shape.negativeSlope)
    first = AlignedBuffer(count: hiddenCount * strides.inputs)
    last = AlignedBuffer(count: (hiddenCount + bias) * strides.outputs)
    workspace = AlignedBuffer(count: 0)
  }

  /// Both layers, converted to and from `Double`; a `Float` network's weights survive the round trip exactly.
  public var layers: [LayerWeights] {
    get {
      let (d, n, c) = (shape.widths[0], shape.widths[1], shape.widths[2])
      var (lower, upper) = (Matrix(rowCount: n, columnCount: d), Matrix(rowCount: c, columnCount: n))
      for k in 0..<n {
        for f in 0..<d { lower[k, f] = Double(first.start[k * strides.inputs + f]) }
        for o in 0..<c { upper[o, k] = Double(last.start[k * strides.outputs + o]) }
      }
      let biases = shape.hasBiases
      return [
        LayerWeights(
          weights: lower, biases: biases ? (0..<n).map { Double(first.start[$0 * strides.inputs + d]) } : nil),
        LayerWeights(
          weights: upper, biases: biases ? (0..<c).map { Double(last.start[n * strides.outputs + $0]) } : nil),
      ]
    }
    set {
      checkLayers(newValue, fit: shape)
      let (d, n) = (shape.widths[0], shape.widths[1])
      copyRows(of: newValue[0].weights, to: first.start, stride: strides.inputs)
      copyRows(of: newValue[1].weights.transposed, to: last.start, stride: strides.outputs)
      for (k, bias) in (newValue[0].biases ?? []).enumerated() { first.start[k * strides.inputs + d] = Scalar(bias) }
      for (o, bias) in (newValue[1].biases ?? []).enumerated() { last.start[n * strides.outputs + o] = Scalar(bias) }
    }
  }

  /// Whether every weight is finite.
  public var isFinite: Bool { first.isFinite && last.isFinite }

  /// Rescales each first-layer row, without its bias, to unit norm. A row of zeros stays.
  public func normalizeFirstLayer() {
    kernels.unitRows(cShape.hidden_count, Int64(shape.inputCount), first.start, Int64(strides.inputs))
  }

  /// Steps of SGD in place, one for each `batchSize` entries of `indices`.
  ///
  /// - Precondition: every index is below `samples.count`; `indices.count` is a multiple of `batchSize`; the rule is plain.
  /// - Complexity: `shape.stepFLOPs(batch:)` a step; allocates only when a batch is larger than any before.
  public func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: UpdateRule) {
    precondition(batchSize > 0 && indices.count % batchSize == 0 && rule.isPlain)
    guard let largest = indices.max() else { return }
    precondition(Int(largest) < samples.count, "batch index \(largest) is past the last of \(samples.count) samples")
    let rows = samples.rows(for: shape)
    reserve(Int(us_two_layer_workspace(&cShape, Int64(batchSize), Int64(Scalar.lanePad))))
    var update = us_update(
      scale: rule.learningRate / Double(batchSize), update_first: rule.updatesFirstLayer ? 1 : 0,
      update_last: rule.updatesLastLayer ? 1 : 0, unit_norm_first: rule.unitNormFirstLayer ? 1 : 0)
    indices.withUnsafeBufferPointer { indices in
      kernels.train(
        &cShape, first.start, last.start, rows.inputs.start, rows.targets.start, indices.baseAddress,
        Int64(batchSize), Int64(indices.count / batchSize), &update, workspace.start)
    }
  }

  /// One step of full-batch gradient descent in place. The gradient is summed over blocks of 32 samples in order.
  ///
  /// - Precondition: the rule is plain.
  public func descend(on samples: PackedSamples<Scalar>, rule: UpdateRule) {
    precondition(rule.isPlain)
    let (block, rows) = (32, samples.rows(for: shape))
    reserve(Int(us_two_layer_workspace(&cShape, Int64(block), Int64(Scalar.lanePad))))
    let sum = gradients ?? (AlignedBuffer(count: first.count), AlignedBuffer(count: last.count))
    gradients = sum
    sum.first.clear()
    sum.last.clear()
    for start in stride(from: 0, to: samples.count, by: block) {
      kernels.accumulate(
        &cShape, first.start, last.start, rule.updatesFirstLayer ? sum.first.start : nil,
        rule.updatesLastLayer ? sum.last.start : nil, rows.inputs.start, rows.targets.start, Int64(start),
        Int64(min(block, samples.count - start)), rule.learningRate / Double(samples.count), workspace.start)
    }
    if rule.updatesFirstLayer { for i in 0..<first.count { first.start[i] += sum.first.start[i] } }
    if rule.updatesLastLayer { for i in 0..<last.count { last.start[i] += sum.last.start[i] } }
    if rule.unitNormFirstLayer && rule.updatesFirstLayer { normalizeFirstLayer() }
  }

  /// J = 1/2 mean over samples of ||target - output||^2; not finite once the network has diverged.
  public func loss(over samples: PackedSamples<Scalar>) -> Double {
    let (width, blocks) = (SampleBlocks<Scalar>.width, samples.blocks(for: shape))
    reserve((shape.widths[1] + 1 + shape.outputCount) * width + 2 * width)
    let sum = kernels.squaredError(
      &cShape, first.start, last.start, blocks.inputs.start, blocks.targets.start, Int64(samples.count),
      Int64(width), workspace.start)
    return sum / (2 * Double(samples.count))
  }

  private func reserve(_ count: Int) {
    if workspace.count < count { workspace = AlignedBuffer(count: count) }
  }
}

/// - Precondition: the layers are those of a network of this shape.
func checkLayers(_ layers: [LayerWeights], fit shape: NetworkShape) {
  precondition(layers.count == shape.layerCount, "another depth")
  for (index, layer) in layers.enumerated() {
    precondition(
      layer.weights.rowCount == shape.widths[index + 1] && layer.weights.columnCount == shape.widths[index],
      "layer of another shape")
    precondition((layer.biases != nil) == shape.hasBiases, "biases in every layer or in none")
  }
}
