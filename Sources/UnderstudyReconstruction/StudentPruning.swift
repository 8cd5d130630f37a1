import UnderstudyNetworks
import UnderstudyNumerics

/// Makes a network smaller: removes the nodes that matter least, physically, and fits what is above anew.
///
/// From the lowest layer on, the weights above are fitted to what the whole network computes there, by what the smaller network
/// below computes (`LayerFit`). So what lower layers changed is corrected on the way.
///
/// A class because it owns the kernels' memory; one thread uses it at a time.
public final class StudentPruning {
  /// A network of the curve.
  public struct Point: Sendable {
    public let network: Network
    /// Root mean square of the outputs' difference, by that of the whole network's outputs around their mean.
    public let outputChange: Double
    /// Share of the images whose largest output is the label; nil without labels.
    public let accuracy: Double?
    /// Share of the samples whose largest output is that of the whole network.
    public let agreement: Double
  }

  public let student: Network
  private let data: PruningData
  private let progress: (String) -> Void
  private let whole: ImageEvaluator
  private let outputs: [Float]
  private var eliminations: [NodeElimination] = []

  /// Evaluates the student over the images, and measures what each of its nodes is worth.
  ///
  /// - Parameter progress: told, in words and often, what is being done.
  /// - Throws: ``ShapeError`` if the network does not take the inputs, or has another number of outputs than there are classes.
  /// - Complexity: O(layers x images x positions x (weights + nodes^2)).
  public init(
    _ student: Network, over data: PruningData, progress: @escaping (String) -> Void = { _ in }
  ) throws(ShapeError) {
    let size = data.fitting.set.size
    guard student.inputCount == size.count, student.isDense || student.architecture.input == size else {
      guard data.labels == nil else {
        throw ShapeError("takes \(student.architecture.input), and the images are \(size); give images of its size")
      }
      throw ShapeError(
        student.isDense
          ? "takes \(student.inputCount) features, and the inputs have \(size.count); give inputs of its width"
          : "has convolutions over images of \(student.architecture.input), and an array of inputs has rows of features; give "
            + "images: a set's folder (--images)")
    }
    if data.labels != nil, student.outputCount < data.evaluation.set.classCount {
      throw ShapeError(
        "has \(student.outputCount) outputs, and the images \(data.evaluation.set.classCount) classes; give images of its classes"
      )
    }
    (self.student, self.data, self.progress) = (student, data, progress)
    whole = try ImageEvaluator(student)
    outputs = whole.outputs(over: data.evaluation, count: data.evaluation.set.count)
    guard outputs.allSatisfy(\.isFinite) else {
      throw ShapeError(
        "has outputs that overflow single precision, in which pruning computes; scale inputs or weights down")
    }
    for layer in student.hiddenCounts.indices { eliminations.append(elimination(ofLayer: layer)) }
  }

  /// The network itself.
  public var unpruned: Point {
    Point(
      network: student, outputChange: 0,
      accuracy: data.labels.map { accuracy(outputs, outputCount: student.outputCount, labels: $0) }, agreement: 1)
  }

  /// The network with so many nodes in its hidden layers.
  ///
  /// - Parameter counts: of each hidden layer, lowest first.
  /// - Throws: ``ShapeError`` for another number of layers, and for a layer that would be empty or grow.
  /// - Complexity: O(layers x (images x positions x weights + unknowns^3)); the unknowns of a fit are the nodes times the places of
  ///   the window above.
  public func pruned(keeping counts: [Int]) throws(ShapeError) -> Point {
    guard counts.count == student.hiddenCounts.count else {
      throw ShapeError(
        "has \(student.hiddenCounts.count) hidden layer\(student.hiddenCounts.count == 1 ? "" : "s"), and \(counts.count) "
          + "number\(counts.count == 1 ? " is" : "s are") given; give one for each")
    }
    for (layer, (kept, nodes)) in zip(counts, student.hiddenCounts).enumerated() where kept < 1 || kept > nodes {
      throw ShapeError(
        "hidden layer \(layerLabel(ofIndex: layer)) has \(nodes) nodes, of which \(kept) cannot stay; give 1 to \(nodes)"
      )
    }
    var network = student
    for (layer, count) in counts.enumerated() {
      network = network.keeping(eliminations[layer].kept(count, of: student.hiddenCounts[layer]), of: layer)
      let isUnchanged = counts.prefix(layer + 1).elementsEqual(student.hiddenCounts.prefix(layer + 1))
      guard !isUnchanged else { continue }
      let fit = LayerFit(of: student, above: layer, data: data) { done in
        self.progress("\(words(counts)): weights above layer \(layerLabel(ofIndex: layer)) of \(counts.count), \(done)")
      }
      network = try fit.fitted(network, to: whole)
    }
    return try point(network)
  }

  /// The numbers of nodes that stay if this share of all removals has been done, those of the smallest cost first, whatever
  /// their layer.
  public func counts(removing share: Double) -> [Int] {
    let all = eliminations.enumerated().flatMap { layer, elimination in
      elimination.removals.map { (layer: layer, cost: $0.cost) }
    }.sorted { ($0.cost, $0.layer) < ($1.cost, $1.layer) }
    var counts = student.hiddenCounts
    for removal in all.prefix(Int((Double(all.count) * share).rounded())) { counts[removal.layer] -= 1 }
    return counts
  }

  private func point(_ network: Network) throws(ShapeError) -> Point {
    let (count, width) = (data.evaluation.set.count, network.outputCount)
    let got = try ImageEvaluator(network).outputs(over: data.evaluation, count: count)
    var (change, size) = (0.0, 0.0)
    for output in 0..<width {
      let wanted = stride(from: output, to: outputs.count, by: width).map { Double(outputs[$0]) }
      let mean = wanted.reduce(0, +) / Double(count)
      for (sample, value) in wanted.enumerated() {
        let error = Double(got[sample * width + output]) - value
        change += error * error
        size += (value - mean) * (value - mean)
      }
    }
    let pairs = zip(largestOutputs(got, count: width), largestOutputs(outputs, count: width))
    return Point(
      network: network, outputChange: size > 0 ? (change / size).squareRoot() : change.squareRoot(),
      accuracy: data.labels.map { accuracy(got, outputCount: width, labels: $0) },
      agreement: Double(pairs.count { $0 == $1 }) / Double(count))
  }

  private func elimination(ofLayer layer: Int) -> NodeElimination {
    let (count, above) = (student.hiddenCounts[layer], student.layers[layer + 1])
    let constant = above.biases != nil
    var gram = Matrix(rowCount: count + 1, columnCount: count + 1)
    data.fitting.forEachBatch(count: data.fitting.set.count) { batch, range in
      let maps = ChannelMaps(of: whole, at: batch, count: range.count, layer: layer)
      progress(
        "order of removal in layer \(layerLabel(ofIndex: layer)) of \(student.hiddenCounts.count), image \(range.upperBound)"
      )
      for part in maps.parts() { LinearAlgebra.addGram(of: maps.rows(ofImages: part).appendingOnes(), to: &gram) }
    }
    let samples = gram[count, count]
    var moments = Matrix(rowCount: count, columnCount: count)
    for a in 0..<count {
      for b in 0...a {
        let means = constant ? gram[count, a] * gram[count, b] / (samples * samples) : 0
        moments[a, b] = gram[a, b] / samples - means
        moments[b, a] = moments[a, b]
      }
    }
    // The outgoing weights of a node, a row.
    let (width, strengths) = (above.inputCount / count, student.pathStrengths(ofLayer: layer + 1))
    var outgoing = Matrix(rowCount: count, columnCount: above.nodeCount * width)
    for upper in 0..<above.nodeCount {
      for column in 0..<above.inputCount {
        outgoing[column / width, upper * width + column % width] = strengths[upper] * above.weights[upper, column]
      }
    }
    let products = LinearAlgebra.product(outgoing, outgoing, transposingSecond: true)
    return NodeElimination(
      moments: moments, outgoing: products, meanSquares: (0..<count).map { gram[$0, $0] / samples })
  }
}

extension Network {
  /// How strongly the pre-activations of a layer act on the outputs: the root of the sum over all paths of the products of squared
  /// weights, with the factors of normalisations; 1 for the output layer. Unlike the weights into a hidden node it does not depend on how
  /// nodes are scaled once it multiplies them.
  fileprivate func pathStrengths(ofLayer layer: Int) -> [Double] {
    let own = layers[layer]
    guard layer < layers.count - 1 else { return [Double](repeating: 1, count: own.nodeCount) }
    let (above, strengths) = (layers[layer + 1], pathStrengths(ofLayer: layer + 1))
    let width = above.inputCount / own.nodeCount
    return (0..<own.nodeCount).map { node in
      var square = 0.0
      for (upper, strength) in strengths.enumerated() {
        for place in 0..<width {
          let product = strength * above.weights[upper, node * width + place]
          square += product * product
        }
      }
      guard let normalization = own.normalization else { return square.squareRoot() }
      let deviation = (normalization.variances[node] + BatchNormalization.epsilon).squareRoot()
      return abs(normalization.scales?[node] ?? 1) / deviation * square.squareRoot()
    }
  }
}

/// `10-10`.
private func words(_ counts: [Int]) -> String { counts.map(String.init).joined(separator: "-") }
