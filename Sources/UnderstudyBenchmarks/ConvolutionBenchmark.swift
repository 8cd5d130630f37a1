import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

/// Times the step of the paper's teacher of images: four convolutions of 64 filters, 3 x 3 without padding, each with ReLU and
/// then batch normalisation, and a linear layer on the flattened maps; batches of 64 images of 3 x 32 x 32, in single precision.
/// A step is forward, backward, and an update by SGD with momentum and weight decay, on labels.
public struct ConvolutionBenchmark: Sendable {
  /// One line of the result; the names are those of the JSON.
  public struct Result: Sendable, Codable {
    public var threads: Int
    public var algorithm: String
    /// Floating-point operations of a step by the definition of a convolution, 10^9: Winograd's algorithm executes fewer.
    public var stepGFLOP: Double
    public var millisecondsPerStep: Double
    public var stepGFLOPS: Double
    /// Of the step's time, what is not spent in convolutions and the linear layer: normalisation, loss, update, layouts; 0...1.
    public var shareOutsideProducts: Double
    /// Evaluation of a batch by running statistics, by ``ImageEvaluator``.
    public var forwardMilliseconds: Double
    /// What each layer used.
    public var choices: [ConvolutionChoice]
  }

  public var widths = [64, 64, 64, 64]
  public var batchSize = 64
  public var threadCounts = [1, 2]
  public var algorithms: [ConvolutionAlgorithm] = [.automatic, .direct]
  /// A round is a step and an evaluation of each kind. The best of the rounds counts.
  public var roundCount = 10

  public init() {}

  /// - Throws: ``ConvolutionError`` or ``ShapeError``: what oneDNN refused.
  public func run() throws -> [Result] {
    var results: [Result] = []
    for threads in threadCounts {
      for algorithm in algorithms { results.append(try measure(algorithm, threads: threads)) }
    }
    return results
  }

  /// Normal weights of variance 2 / inputs, biases 0.
  private func network() throws -> Network {
    let architecture = try Architecture(
      input: MapSize(channels: 3, rows: 32, columns: 32),
      hidden: LayerList(widths.map { "conv \($0)" }.joined(separator: ", ")), outputCount: 10, activation: .relu,
      hasBiases: true, normalization: .init(placement: .afterActivation, hasLearntScale: true))
    return try StudentDesign(hiddenCounts: widths, scale: 1, initialization: .he).draw(architecture, key: 1)
  }

  private func measure(_ algorithm: ConvolutionAlgorithm, threads: Int) throws -> Result {
    let network = try network()
    let shape = network.architecture.convolutionalShape
    let kernel = try ConvolutionalKernel(
      shape: shape, loss: .crossEntropy, batchSize: batchSize, algorithm: algorithm, threads: threads)
    kernel.layers = network.layers.map(LayerWeights.init)
    let evaluator = try ImageEvaluator(network, algorithm: algorithm, threads: threads)
    var stream = RandomStream(key: 1, purpose: .trainingInputs)
    let images = stream.normals(batchSize * shape.input.count, standardDeviation: 1).map(Float.init)
    let targets = ImageTargets(labels: (0..<batchSize).map { UInt8($0 % 10) })
    let rule = UpdateRule(optimizer: .gradient(momentum: 0.9), learningRate: 1e-4, weightDecay: 5e-4)
    let clock = ContinuousClock()
    var (step, forward, outside) = (Double.infinity, Double.infinity, 0.0)
    for round in 0...max(1, roundCount) {
      let before = kernel.productSeconds
      let time =
        clock.measure {
          _ = kernel.step(images: images, targets: targets, count: batchSize, rule: rule)
        } / .seconds(1)
      let products = kernel.productSeconds - before
      let evaluation = clock.measure { _ = evaluator.outputs(of: images, count: batchSize) } / .seconds(1)
      // The first round loads what a step needs.
      guard round > 0 else { continue }
      if time < step { (step, outside) = (time, 1 - products / time) }
      forward = min(forward, evaluation)
    }
    let operations = shape.stepFLOPs(batch: batchSize)
    return Result(
      threads: threads, algorithm: algorithm.rawValue, stepGFLOP: operations / 1e9, millisecondsPerStep: step * 1e3,
      stepGFLOPS: operations / step / 1e9, shareOutsideProducts: outside, forwardMilliseconds: forward * 1e3,
      choices: kernel.algorithms)
  }
}
