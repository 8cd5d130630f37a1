import Testing

@testable import UnderstudyNumerics

/// A network over images, its batch and its targets; every number is one that single precision holds exactly.
struct ConvolutionCase: CustomTestStringConvertible, Sendable {
  var name: String
  var shape: ConvolutionalShape
  var batch: Int

  var testDescription: String { name }

  typealias Layer = ConvolutionalShape.Layer

  /// Odd sizes of everything, each kind of layer, and both places of a normalisation.
  static let all: [ConvolutionCase] = [
    ConvolutionCase(
      "strides, padding, maximum, normalisation after", input: (3, 7, 6), batch: 3,
      [
        Layer(.convolution(Window(size: 3)), nodeCount: 5, normalization: .afterActivation, hasLearntScale: true),
        Layer(
          .convolution(Window(size: 3, stride: 2, padding: 1)), nodeCount: 4,
          pooling: .maximum(Window(size: 2, stride: 1))),
        Layer(.dense, nodeCount: 3),
      ]),
    ConvolutionCase(
      "maps of one place", input: (5, 1, 1), batch: 3,
      [
        Layer(.convolution(Window(size: 1)), nodeCount: 4),
        Layer(.convolution(Window(size: 3, padding: 1)), nodeCount: 3),
        Layer(.dense, nodeCount: 2),
      ]),
    ConvolutionCase(
      "one channel, average with padding, hidden dense layer", input: (1, 6, 5), batch: 4, slope: 0.25,
      [
        Layer(
          .convolution(Window(rows: 2, columns: 3, columnPadding: 1)), nodeCount: 3, normalization: .beforeActivation,
          pooling: .average(Window(size: 3, stride: 2, padding: 1))),
        Layer(.dense, nodeCount: 6, normalization: .afterActivation, hasLearntScale: true), Layer(.dense, nodeCount: 2),
      ]),
    ConvolutionCase(
      "one image, leaky, maximum with padding", input: (2, 8, 7), batch: 1, slope: 0.25,
      [
        Layer(
          .convolution(Window(size: 3)), nodeCount: 17, pooling: .maximum(Window(size: 3, stride: 2, padding: 1))),
        Layer(.convolution(Window(size: 2)), nodeCount: 5), Layer(.dense, nodeCount: 3),
      ]),
    ConvolutionCase(
      "dense alone, normalisation before", input: (2, 3, 3), batch: 5,
      [
        Layer(.dense, nodeCount: 7, normalization: .beforeActivation, hasLearntScale: true),
        Layer(.dense, nodeCount: 5, hasBiases: false), Layer(.dense, nodeCount: 3),
      ]),
    ConvolutionCase(
      "global average, normalisation before, one image", input: (3, 5, 5), batch: 1,
      [
        Layer(
          .convolution(Window(size: 3)), nodeCount: 6, hasBiases: false, normalization: .beforeActivation,
          hasLearntScale: true),
        Layer(
          .convolution(Window(size: 1)), nodeCount: 5, normalization: .afterActivation, pooling: .globalAverage),
        Layer(.dense, nodeCount: 4),
      ]),
    ConvolutionCase(
      "linear, outputs are maps", input: (2, 5, 4), batch: 2, slope: 1,
      [
        Layer(
          .convolution(Window(size: 3, padding: 1)), nodeCount: 3, normalization: .afterActivation, hasLearntScale: true
        ),
        Layer(.convolution(Window(size: 2)), nodeCount: 2),
      ]),
    ConvolutionCase(
      "more padding than the window, or as much", input: (2, 4, 3), batch: 2,
      [
        Layer(.convolution(Window(size: 1, padding: 1)), nodeCount: 4),
        Layer(.convolution(Window(rows: 2, columns: 1, rowStride: 2, rowPadding: 3, columnPadding: 1)), nodeCount: 17),
        Layer(.convolution(Window(size: 3, padding: 4)), nodeCount: 3), Layer(.dense, nodeCount: 3),
      ]),
    ConvolutionCase(
      "one dense layer", input: (2, 3, 2), batch: 2, [Layer(.dense, nodeCount: 3)]),
    ConvolutionCase(
      "channels that fill no block", input: (3, 8, 8), batch: 2,
      [
        Layer(.convolution(Window(size: 3)), nodeCount: 33, normalization: .afterActivation, hasLearntScale: true),
        Layer(
          .convolution(Window(size: 3, padding: 1)), nodeCount: 34, normalization: .beforeActivation,
          hasLearntScale: true),
        Layer(.dense, nodeCount: 3),
      ]),
    ConvolutionCase(
      "leaky between wide layers", input: (33, 6, 6), batch: 2, slope: 0.125,
      [
        Layer(.convolution(Window(size: 3, padding: 1)), nodeCount: 32),
        Layer(.convolution(Window(size: 3, padding: 1)), nodeCount: 35), Layer(.dense, nodeCount: 3),
      ]),
  ]

  init(_ name: String, input: (Int, Int, Int), batch: Int, slope: Double = 0, _ layers: [Layer]) {
    self.name = name
    self.batch = batch
    shape = ConvolutionalShape(
      input: MapSize(channels: input.0, rows: input.1, columns: input.2), layers: layers, negativeSlope: slope)
  }

  var outputCount: Int { shape.activationSizes.last?.count ?? 0 }

  /// Weights of a size that keeps activations as large as the images.
  func layers(key: Int) -> [LayerWeights] {
    let inputs = shape.inputSizes
    return shape.layers.enumerated().map { index, layer in
      let fanIn = layer.kind.fanIn(above: inputs[index])
      func draw(_ count: Int, _ purpose: Int, around centre: Double = 0, deviation: Double) -> [Double] {
        exactNormals(count, key: 100 * key + 10 * index + purpose, deviation: deviation).map {
          Double(Float(centre + $0))
        }
      }
      let count = layer.nodeCount
      let isNormalized = layer.normalization != .none
      return LayerWeights(
        weights: Matrix(
          rowCount: count, columnCount: fanIn,
          values: draw(count * fanIn, 1, deviation: (2 / Double(fanIn)).squareRoot())),
        biases: layer.hasBiases ? draw(count, 2, deviation: 0.25) : nil,
        means: isNormalized ? draw(count, 3, deviation: 0.25) : nil,
        variances: isNormalized ? draw(count, 4, deviation: 1).map { Double(Float(0.5 + abs($0))) } : nil,
        scales: layer.hasLearntScale ? draw(count, 5, around: 1, deviation: 0.25) : nil,
        shifts: layer.hasLearntScale ? draw(count, 6, deviation: 0.25) : nil)
    }
  }

  func images(_ count: Int, key: Int) -> [[Double]] {
    (0..<count).map { exactNormals(shape.input.count, key: 7000 + 50 * key + $0) }
  }

  /// A teacher's outputs and classes.
  func targets(key: Int) -> ImageTargets {
    ImageTargets(
      outputs: exactNormals(batch * outputCount, key: 9000 + key).map(Float.init),
      labels: (0..<batch).map { UInt8(($0 * 7 + key) % outputCount) })
  }

  /// A draw of weights in which rounding decides no gate and no maximum: everything that is compared is farther apart than
  /// single precision errs by.
  func generic(loss: TrainingLoss) throws -> ConvolutionProblem {
    for key in 1..<200 {
      let problem = ConvolutionProblem(self, loss: loss, key: key)
      if problem.isGeneric { return problem }
    }
    throw NoGenericDraw(name: name)
  }

  struct NoGenericDraw: Error { let name: String }
}

/// One draw of a case, and what its twin says of it.
struct ConvolutionProblem {
  let test: ConvolutionCase
  let loss: TrainingLoss
  let layers: [LayerWeights]
  let images: [[Double]]
  let targets: ImageTargets

  init(_ test: ConvolutionCase, loss: TrainingLoss, key: Int) {
    (self.test, self.loss) = (test, loss)
    layers = test.layers(key: key)
    images = test.images(test.batch, key: key)
    targets = test.targets(key: key)
  }

  var pixels: [Float] { images.joined().map(Float.init) }

  /// Every value that a gate or a maximum looks at is at least this far from where it decides otherwise. Single precision errs by
  /// a few 1e-7 of numbers of the size of 1.
  private static let gap = 2e-5

  var isGeneric: Bool {
    var twin = NaiveImages<Double>(shape: test.shape, layers: layers)
    let trace = twin.forward(images, isTraining: true)
    for index in layers.indices.dropLast() {
      let kind = test.shape.layers[index]
      let gated = kind.normalization == .beforeActivation ? trace.first[index] : trace.linear[index]
      if test.shape.negativeSlope != 1, gated.joined().contains(where: { abs($0) < Self.gap }) { return false }
      guard case .maximum = kind.pooling else { continue }
      for map in trace.second[index] {
        // Zeros of closed gates may be equal: no gradient passes through them.
        let values = Set(map).sorted()
        if zip(values, values.dropFirst()).contains(where: { $1 - $0 < Self.gap }) { return false }
      }
    }
    return true
  }

  /// Loss, outputs, gradients and running statistics of the twin's step.
  func step<Scalar: BinaryFloatingPoint>(_: Scalar.Type) -> NaiveStep<Scalar> {
    var twin = NaiveImages<Scalar>(shape: test.shape, layers: layers)
    let trace = twin.forward(images.map { $0.map { Scalar($0) } }, isTraining: true)
    let outputs = trace.outputs.map { $0.map { Double($0) } }
    let (value, slopes) = naiveLoss(loss, outputs: outputs, targets: targets)
    return NaiveStep(
      loss: value, outputs: trace.outputs,
      gradients: twin.gradients(trace, at: slopes.map { $0.map { Scalar($0) } }),
      means: twin.layers.map { $0.means ?? [] }, variances: twin.layers.map { $0.variances ?? [] })
  }
}

struct NaiveStep<Scalar: BinaryFloatingPoint> {
  var loss: Double
  var outputs: [[Scalar]]
  /// In the order of an `OptimizerState`.
  var gradients: [[Scalar]]
  var means: [[Scalar]]
  var variances: [[Scalar]]
}

/// The mean loss, and its gradient towards the outputs: by the definitions, softmax as a quotient.
func naiveLoss(_ loss: TrainingLoss, outputs: [[Double]], targets: ImageTargets) -> (
  value: Double, gradient: [[Double]]
) {
  func softmax(_ values: [Double], _ temperature: Double) -> [Double] {
    let powers = values.map { exponential($0 / temperature) }
    return powers.map { $0 / powers.reduce(0, +) }
  }
  var (total, gradients) = (0.0, [[Double]]())
  let count = Double(outputs.count)
  for (image, output) in outputs.enumerated() {
    let target = output.indices.map { Double(targets.outputs?[image * output.count + $0] ?? 0) }
    let label = targets.labels.map { Int($0[image]) } ?? target.firstIndex(of: target.max() ?? 0) ?? 0
    let labelled = softmax(output, 1).enumerated().map { $1 - ($0 == label ? 1 : 0) }
    switch loss {
    case .squaredError:
      total += zip(target, output).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / 2 }
      gradients.append(zip(target, output).map { ($1 - $0) / count })
    case .crossEntropy:
      total -= logarithm(softmax(output, 1)[label])
      gradients.append(labelled.map { $0 / count })
    case .distillation(let t, let weight):
      let (p, q) = (softmax(target, t), softmax(output, t))
      total += (1 - weight) * t * t * zip(p, q).reduce(0) { $0 + $1.0 * logarithm($1.0 / $1.1) }
      total -= weight * logarithm(softmax(output, 1)[label])
      gradients.append(output.indices.map { ((1 - weight) * t * (q[$0] - p[$0]) + weight * labelled[$0]) / count })
    }
  }
  return (total / count, gradients)
}
