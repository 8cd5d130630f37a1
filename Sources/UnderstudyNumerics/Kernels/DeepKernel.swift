import CUnderstudyKernels

/// A network of any depth in the memory layout of the kernels, and the workspace to train it.
///
/// Every element of a product is summed in one order, so that results have the same bits whatever the number of threads,
/// and with AVX2 and AVX-512. A class because kernels change its memory in place; one run owns one.
public final class DeepKernel<Scalar: KernelScalar> {
  public let shape: DeepShape
  public let loss: TrainingLoss
  public let instructions: InstructionSet
  /// Threads that share the rows of each product that is large enough; 1 or more.
  public var threadCount: Int {
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
  private var gradients: [AlignedBuffer<Scalar>] = []
  /// Of the update rule: velocities, or first and then second moments, of each of `parameters`.
  var moments: [AlignedBuffer<Scalar>] = []
  var stepCount = 0
  private var workspace: DeepWorkspace<Scalar>
  private let rowShares = RowShares()

  public init(
    shape: DeepShape, loss: TrainingLoss = .squaredError, threadCount: Int = 1, instructions: InstructionSet = .best
  ) {
    self.shape = shape
    self.loss = loss
    self.threadCount = max(1, threadCount)
    self.instructions = instructions
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

  public var isFinite: Bool {
    (parameters + runningMeans + runningVariances).allSatisfy { buffer in
      (0..<buffer.count).allSatisfy { buffer.start[$0].isFinite }
    }
  }

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
  public func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: DeepUpdateRule)
  {
    precondition(batchSize > 0 && indices.count % batchSize == 0)
    precondition(shape.normalization == .none || batchSize > 1, "one sample has no variance")
    check(samples)
    guard let largest = indices.max() else { return }
    precondition(Int(largest) < samples.count, "batch index \(largest) is past the last of \(samples.count) samples")
    reserve(batchSize: batchSize, rule: rule)
    for first in stride(from: 0, to: indices.count, by: batchSize) {
      for i in 0..<workspace.lanes {
        point(lane: i, at: Int(indices[first + min(i, batchSize - 1)]), of: samples)
      }
      step(count: batchSize, rule: rule)
    }
  }

  /// One step of full-batch gradient descent in place. The gradient is summed over blocks of 64 samples in order.
  ///
  /// - Precondition: no batch normalisation.
  public func descend(on samples: PackedSamples<Scalar>, rule: DeepUpdateRule) {
    precondition(shape.normalization == .none, "blocks have statistics of their own")
    check(samples)
    reserve(batchSize: fullBatchBlock, rule: rule, keepsGradients: true)
    for gradient in gradients { gradient.clear() }
    for first in stride(from: 0, to: samples.count, by: fullBatchBlock) {
      let count = min(fullBatchBlock, samples.count - first)
      for i in 0..<workspace.lanes { point(lane: i, at: first + min(i, count - 1), of: samples) }
      forward(count: count)
      startBackward(count: count, scale: 1 / Double(samples.count))
      backward(count: count, rule: rule) { self.gradients[$0] }
    }
    apply(rule)
  }

  /// The mean loss over samples of a network without normalisation; not finite once it has diverged.
  public func meanLoss(over samples: PackedSamples<Scalar>) -> Double {
    precondition(shape.normalization == .none, "fold the network first: batches have statistics of their own")
    check(samples)
    if workspace.batchSize != fullBatchBlock { workspace = newWorkspace(batchSize: fullBatchBlock) }
    let (outputCount, lanes) = (shape.widths[shape.layerCount], workspace.lanes)
    var total = 0.0
    for first in stride(from: 0, to: samples.count, by: fullBatchBlock) {
      let count = min(fullBatchBlock, samples.count - first)
      for i in 0..<lanes { point(lane: i, at: first + min(i, count - 1), of: samples) }
      forward(count: count)
      let outputs = workspace.outputs.start
      for i in 0..<count {
        let target = samples.targets.start + (first + i) * outputStride
        switch loss {
        case .squaredError:
          var squares = 0.0
          for c in 0..<outputCount {
            let error = Double(target[c] - outputs[c * lanes + i])
            squares += error * error
          }
          total += squares / 2
        case .crossEntropy:
          var (label, largest, sum) = (0, -Double.infinity, 0.0)
          for c in 0..<outputCount {
            if target[c] > target[label] { label = c }
            largest = max(largest, Double(outputs[c * lanes + i]))
          }
          for c in 0..<outputCount { sum += exponential(Double(outputs[c * lanes + i]) - largest) }
          total += largest + logarithm(sum) - Double(outputs[label * lanes + i])
        }
      }
    }
    return total / Double(samples.count)
  }

  // MARK: A step

  private func step(count: Int, rule: DeepUpdateRule) {
    forward(count: count)
    if rule.isPlain {
      // The update goes straight into the weights: the gradient of a large layer would cost a way to memory and back.
      startBackward(count: count, scale: rule.learningRate / Double(count))
      backward(count: count, rule: rule) { self.parameters[$0] }
      finishStep(rule)
    } else {
      for gradient in gradients { gradient.clear() }
      startBackward(count: count, scale: 1 / Double(count))
      backward(count: count, rule: rule) { self.gradients[$0] }
      apply(rule)
    }
  }

  private func forward(count: Int) {
    let lanes = Int64(workspace.lanes)
    kernels.deepTranspose(
      workspace.inputRows[0].start, lanes, Int64(strides[0]), workspace.inputs[0].start, lanes, 1)
    for layer in 0..<shape.layerCount {
      let isHidden = layer < shape.hiddenLayerCount
      let isNormalized = isHidden && shape.normalization != .none
      let bias = shape.hasBiases ? 1 : 0
      let (depth, rows, stride) = (shape.widths[layer] + bias, shape.widths[layer + 1], strides[layer])
      let input = workspace.inputs[layer].start
      let output =
        isNormalized
        ? workspace.normalized[layer].start : isHidden ? workspace.inputs[layer + 1].start : workspace.outputs.start
      inParallel(rows: rows, depth: depth) { first, count in
        kernels.deepForward(
          Int64(count), Int64(depth), lanes, weights[layer].start + first * stride, Int64(stride), input,
          output + first * Int(lanes), isHidden && !isNormalized ? 1 : 0, shape.negativeSlope)
      }
      if isNormalized { normalize(layer: layer, count: count) }
      if isHidden {
        let above = strides[layer + 1]
        kernels.deepTranspose(
          workspace.inputLanes[layer + 1].start, Int64(above), lanes,
          UnsafeMutablePointer(mutating: workspace.inputRows[layer + 1].start[0]), Int64(above), 1)
      }
    }
  }

  private func normalize(layer: Int, count: Int) {
    let (rows, lanes) = (shape.widths[layer + 1], workspace.lanes)
    let values = workspace.normalized[layer].start
    let isAfter = shape.normalization == .afterActivation
    if isAfter {
      let activated = workspace.activated[layer].start
      kernels.activate(Int64(rows * lanes), values, activated, shape.negativeSlope)
      values.update(from: activated, count: rows * lanes)
    }
    kernels.normalize(
      Int64(rows), Int64(lanes), Int64(count), values, workspace.inputs[layer + 1].start,
      scales.isEmpty ? nil : scales[layer].start, shifts.isEmpty ? nil : shifts[layer].start, workspace.means.start,
      workspace.variances.start, workspace.inverses[layer].start, normalizationEpsilon,
      isAfter ? 1 : shape.negativeSlope)
    // As PyTorch: an exponential average of weight 0.1, the variance unbiased.
    let unbiased = Scalar(count) / Scalar(max(1, count - 1))
    for node in 0..<rows {
      runningMeans[layer].start[node] += (workspace.means.start[node] - runningMeans[layer].start[node]) * 0.1
      let variance = workspace.variances.start[node] * unbiased
      runningVariances[layer].start[node] += (variance - runningVariances[layer].start[node]) * 0.1
    }
  }

  /// The negative gradient of the loss towards the outputs, times scale.
  private func startBackward(count: Int, scale: Double) {
    let (lanes, rows) = (Int64(workspace.lanes), shape.widths[shape.layerCount])
    kernels.deepTranspose(workspace.targetRows.start, lanes, Int64(outputStride), workspace.residuals.start, lanes, 1)
    switch loss {
    case .squaredError:
      kernels.deepResidual(Int64(rows) * lanes, workspace.residuals.start, workspace.outputs.start, scale)
    case .crossEntropy:
      kernels.deepCrossEntropy(Int64(rows), lanes, workspace.residuals.start, workspace.outputs.start, scale)
    }
  }

  /// Adds the negative gradient of each parameter that the rule moves to what `target` gives for its index.
  private func backward(
    count: Int, rule: DeepUpdateRule, target: (Int) -> AlignedBuffer<Scalar>
  ) {
    let lanes = Int64(workspace.lanes)
    var gradient = workspace.residuals.start
    for layer in (0..<shape.layerCount).reversed() {
      let (inputCount, rows, stride) = (shape.widths[layer], shape.widths[layer + 1], strides[layer])
      // Before the weights move: the way down goes through them as they were.
      let below = layer % 2 == 0 ? workspace.gradients.0.start : workspace.gradients.1.start
      if layer > 0 {
        let isNormalized = shape.normalization != .none
        let activations = isNormalized ? nil : UnsafePointer(workspace.inputs[layer].start)
        inParallel(rows: inputCount, depth: rows) { first, count in
          kernels.deepBackward(
            Int64(count), Int64(rows), lanes, weights[layer].start + first, Int64(stride), gradient,
            below + first * Int(lanes), activations.map { $0 + first * Int(lanes) }, shape.negativeSlope)
        }
        if isNormalized {
          normalizeBackward(layer: layer - 1, count: count, rule: rule, gradient: below, target: target)
        }
      }
      if isUpdated(layer, rule) {
        let weights = target(layer).start
        let current = gradient
        let columns = Int64(padded(inputCount + (shape.hasBiases ? 1 : 0), to: Scalar.lanePad))
        inParallel(rows: rows, depth: inputCount) { first, share in
          kernels.deepUpdate(
            Int64(share), columns, Int64(count), current + first * Int(lanes), lanes,
            workspace.inputRows[layer].start, weights + first * stride, Int64(stride))
        }
      }
      gradient = below
    }
  }

  private func normalizeBackward(
    layer: Int, count: Int, rule: DeepUpdateRule, gradient: UnsafeMutablePointer<Scalar>,
    target: (Int) -> AlignedBuffer<Scalar>
  ) {
    let (rows, lanes) = (shape.widths[layer + 1], workspace.lanes)
    let elements = Int64(rows * lanes)
    if shape.normalization == .beforeActivation {
      kernels.gate(elements, gradient, workspace.inputs[layer + 1].start, shape.negativeSlope)
    }
    let first = shape.layerCount + layer
    let isLearnt = !scales.isEmpty && isUpdated(first, rule)
    // In a plain step the scales are what the gradients are added to: their old values are read before.
    kernels.normalizeBackward(
      Int64(rows), Int64(lanes), Int64(count), gradient, workspace.normalized[layer].start,
      scales.isEmpty ? nil : oldScales(layer), workspace.inverses[layer].start,
      isLearnt ? target(first).start : nil, isLearnt ? target(first + shape.hiddenLayerCount).start : nil)
    if shape.normalization == .afterActivation {
      kernels.gate(elements, gradient, workspace.activated[layer].start, shape.negativeSlope)
    }
  }

  private func oldScales(_ layer: Int) -> UnsafePointer<Scalar> {
    workspace.means.start.update(from: scales[layer].start, count: scales[layer].count)
    return UnsafePointer(workspace.means.start)
  }

  /// Moves all parameters along `gradients`.
  private func apply(_ rule: DeepUpdateRule) {
    stepCount += 1
    for (index, buffer) in parameters.enumerated() where isUpdated(index, rule) {
      let count = Int64(buffer.count)
      switch rule.method {
      case .momentum(let momentum):
        kernels.momentum(
          count, buffer.start, moments[index].start, gradients[index].start, momentum, rule.weightDecay,
          rule.learningRate)
      case .adam:
        kernels.adam(
          count, buffer.start, moments[index].start, moments[index + gradients.count].start, gradients[index].start,
          rule.weightDecay, rule.learningRate, 0.9, 0.999, 1 - power(0.9, Double(stepCount)),
          1 - power(0.999, Double(stepCount)), 1e-8)
      }
    }
    finishStep(rule)
  }

  private func finishStep(_ rule: DeepUpdateRule) {
    if rule.unitNormFirstLayer && rule.updatesFirstLayer { normalizeFirstLayer() }
  }

  /// Whether the rule moves `parameters[parameter]`. Scale and shift of a frozen layer's normalisation stay, too.
  private func isUpdated(_ parameter: Int, _ rule: DeepUpdateRule) -> Bool {
    switch parameter {
    case 0, shape.layerCount, shape.layerCount + shape.hiddenLayerCount: rule.updatesFirstLayer
    case shape.layerCount - 1: rule.updatesLastLayer
    default: true
    }
  }

  // MARK: Memory and threads

  private func check(_ samples: PackedSamples<Scalar>) {
    precondition(
      samples.layout
        == SampleLayout(
          inputCount: shape.widths[0], outputCount: shape.widths[shape.layerCount], hasBiases: shape.hasBiases,
          lanePad: Scalar.lanePad), "samples packed for another shape")
  }

  private func newWorkspace(batchSize: Int) -> DeepWorkspace<Scalar> {
    DeepWorkspace(shape: shape, strides: strides, outputStride: outputStride, batchSize: batchSize)
  }

  private func reserve(batchSize: Int, rule: DeepUpdateRule, keepsGradients: Bool = false) {
    if workspace.batchSize != batchSize { workspace = newWorkspace(batchSize: batchSize) }
    guard keepsGradients || !rule.isPlain else { return }
    if gradients.isEmpty { gradients = parameters.map { AlignedBuffer(count: $0.count) } }
    let wanted = rule.method == .adam ? 2 * gradients.count : gradients.count
    if moments.count != wanted {
      moments = (0..<wanted).map { AlignedBuffer(count: gradients[$0 % gradients.count].count) }
    }
  }

  private func point(lane: Int, at sample: Int, of samples: PackedSamples<Scalar>) {
    workspace.inputRows[0].start[lane] = UnsafePointer(samples.inputs.start + sample * samples.layout.inputStride)
    workspace.targetRows.start[lane] = UnsafePointer(samples.targets.start + sample * samples.layout.outputStride)
  }

  /// Calls `body` with (first row, number of rows) for shares of the rows of a product over `depth` terms, on all threads
  /// at once.
  private func inParallel(rows: Int, depth: Int, _ body: (Int, Int) -> Void) {
    // A share of a million multiply-adds takes some 20 microseconds; waking a thread for less costs more than it saves.
    let shares = min(threadCount, rows * depth * workspace.lanes / 1_000_000)
    rowShares.perform(rows: rows, shares: shares, body)
  }
}

/// Samples that losses and full-batch gradients take at a time.
private let fullBatchBlock = 64

/// Added to a batch's variance under the root, as PyTorch's default.
public let normalizationEpsilon = 1e-5
