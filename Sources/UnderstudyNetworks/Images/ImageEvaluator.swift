import UnderstudyNumerics

/// A network over images in the kernels of convolutions, for its outputs and activations by running statistics. Normalisations
/// are part of weights where they can be: passes over the maps of their own take a fifth of the time.
///
/// A class because it owns the kernels' memory; one thread uses it at a time.
public final class ImageEvaluator {
  public let network: Network
  private let kernel: ConvolutionalKernel

  /// Images that are evaluated at a time.
  public static let batchSize = 64

  /// Prepares the kernels for a network; its normalisations are folded into the layers where that is possible.
  ///
  /// - Parameter threads: of the machine, that evaluations are shared among.
  /// - Throws: ``ShapeError`` if the kernels do not take the network.
  public init(
    _ network: Network, algorithm: ConvolutionAlgorithm = .automatic, threads: Int = 1
  ) throws(ShapeError) {
    self.network = network
    let folded = network.foldedWherePossible
    kernel = try catchingKernels { () throws(ConvolutionError) in
      try ConvolutionalKernel(
        shape: folded.architecture.convolutionalShape, loss: .squaredError, batchSize: Self.batchSize,
        algorithm: algorithm, threads: threads, isTrained: false)
    }
    kernel.layers = folded.layers.map(LayerWeights.init)
  }

  /// Bytes that an evaluator of such a network takes, which are not taken.
  ///
  /// - Parameter hasGradients: whether it is asked for ``outputGradients(of:count:visiting:)``.
  /// - Throws: ``ShapeError`` if the kernels do not take the network.
  /// - Complexity: some milliseconds a layer.
  public static func byteCount(
    _ architecture: Architecture, algorithm: ConvolutionAlgorithm = .automatic, threads: Int = 1,
    hasGradients: Bool = false
  ) throws(ShapeError) -> Int {
    try catchingKernels { () throws(ConvolutionError) in
      try ConvolutionalKernel.byteCount(
        shape: architecture.foldedWherePossible.convolutionalShape, batchSize: batchSize, algorithm: algorithm,
        threads: threads, isTrained: false, hasGradients: hasGradients)
    }
  }

  /// The outputs of some images, before softmax.
  ///
  /// - Shape: `batch` is `[image, channel, row, column]` with `count` images, at most ``batchSize``; the result is `[image,
  ///   output]`.
  public func outputs(of batch: [Float], count: Int) -> [Float] { kernel.outputs(of: batch, count: count) }

  /// The same, and the activations of each hidden layer, lowest first: after the activation function, before a normalisation
  /// after it and before pooling.
  ///
  /// - Shape: activations are `[image, node, position]`.
  public func outputs(of batch: [Float], count: Int, visiting: (_ layer: Int, [Float]) -> Void) -> [Float] {
    kernel.outputs(of: batch, count: count, visiting: visiting)
  }

  /// The derivatives of each output by the activations of each hidden layer, as those are handed out by
  /// ``outputs(of:count:visiting:)``: output after output, each from the highest layer.
  ///
  /// - Shape: derivatives are `[image, node, position]`.
  public func outputGradients(
    of batch: [Float], count: Int, visiting: (_ output: Int, _ layer: Int, [Float]) -> Void
  ) {
    kernel.outputGradients(of: batch, count: count, visiting: visiting)
  }

  /// The outputs of the first images of a set.
  ///
  /// - Shape: `[image, output]`.
  /// - Complexity: O(images x positions x weights).
  public func outputs(over images: ImageBatcher, count: Int, isCancelled: () -> Bool = { false }) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(count * network.outputCount)
    images.forEachBatch(count: count, isCancelled: isCancelled) { batch, range in
      result += outputs(of: batch, count: range.count)
    }
    return result
  }
}

/// What oneDNN refuses, as an error of shapes.
package func catchingKernels<Value>(_ body: () throws(ConvolutionError) -> Value) throws(ShapeError) -> Value {
  do { return try body() } catch { throw ShapeError("\(error)") }
}

extension ImageBatcher {
  /// The first images of the set as they are, a batch at a time.
  ///
  /// - Shape: batches are `[image, channel, row, column]`; the last may be smaller.
  /// - Parameter isCancelled: asked before each batch.
  /// - Returns: false if it was cancelled.
  @discardableResult
  package func forEachBatch(
    count: Int, isCancelled: () -> Bool = { false }, _ body: ([Float], Range<Int>) -> Void
  ) -> Bool {
    let size = ImageEvaluator.batchSize
    var batch = [Float](repeating: 0, count: size * set.size.count)
    for first in stride(from: 0, to: min(count, set.count), by: size) {
      if isCancelled() { return false }
      let range = first..<min(first + size, count, set.count)
      batch.removeLast(batch.count - range.count * set.size.count)
      fill(&batch, indices: UInt32(range.lowerBound)..<UInt32(range.upperBound))
      body(batch, range)
    }
    return true
  }
}

/// The places of the largest of each row, the first of equals.
///
/// - Shape: `outputs` is `[sample, output]`, the result `[sample]`.
public func largestOutputs(_ outputs: [Float], count outputCount: Int) -> [Int] {
  stride(from: 0, to: outputs.count, by: outputCount).map { start in
    var best = 0
    for place in 1..<max(1, outputCount) where outputs[start + place] > outputs[start + best] { best = place }
    return best
  }
}

/// The share of samples whose largest output is that of their label.
///
/// - Shape: `outputs` is `[sample, output]`, `labels` `[sample]` or longer.
public func accuracy(_ outputs: [Float], outputCount: Int, labels: [UInt8]) -> Double {
  let largest = largestOutputs(outputs, count: outputCount)
  return Double(zip(largest, labels).count { $0 == Int($1) }) / Double(max(1, largest.count))
}
