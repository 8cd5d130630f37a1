import UnderstudyNetworks
import UnderstudyNumerics

/// Makes a network smaller: removes the nodes that matter least, physically, and fits what is above anew.
///
/// From the lowest layer on, the maps of the whole network's layer are fitted by those of the nodes that stay, as the smaller
/// network below computes them: least squares over all images and positions, one matrix for all positions. The weights above
/// take that matrix in. So the pre-activations above are the best that weights of this form can do, windows and flattened maps of
/// any size take no more unknowns than nodes, and what lower layers changed is corrected, too. Above a convolution with padding
/// there is no constant in the fit, because zeros beyond the border stay zeros.
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
  private let whole: ImageEvaluator
  private let outputs: [Float]
  private var eliminations: [NodeElimination] = []

  /// - Throws: ``ShapeError`` if the network does not take the inputs, or has another number of outputs than there are classes.
  /// - Complexity: O(layers x images x positions x (weights + nodes^2)).
  public init(_ student: Network, over data: PruningData) throws(ShapeError) {
    let size = data.fitting.set.size
    guard student.inputCount == size.count, student.isDense || student.architecture.input == size else {
      throw ShapeError("takes \(student.architecture.input), and the inputs are \(size); give inputs of its size")
    }
    if data.labels != nil, student.outputCount < data.evaluation.set.classCount {
      throw ShapeError(
        "has \(student.outputCount) outputs, and the images \(data.evaluation.set.classCount) classes; give images of its classes"
      )
    }
    (self.student, self.data, whole) = (student, data, try ImageEvaluator(student))
    outputs = whole.outputs(over: data.evaluation, count: data.evaluation.set.count)
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
  /// - Complexity: as of ``init(_:over:)``.
  public func pruned(keeping counts: [Int]) throws(ShapeError) -> Point {
    guard counts.count == student.hiddenCounts.count else {
      throw ShapeError(
        "has \(student.hiddenCounts.count) hidden layers, and \(counts.count) numbers are given; give one for each")
    }
    for (layer, (kept, nodes)) in zip(counts, student.hiddenCounts).enumerated() where kept < 1 || kept > nodes {
      throw ShapeError(
        "hidden layer \(layer + 1) has \(nodes) nodes, of which \(kept) cannot stay; give 1 to \(nodes)")
    }
    var network = student
    for (layer, count) in counts.enumerated() {
      network = network.keeping(eliminations[layer].kept(count, of: student.hiddenCounts[layer]), of: layer)
      let isUnchanged = counts.prefix(layer + 1).elementsEqual(student.hiddenCounts.prefix(layer + 1))
      if !isUnchanged { network = try refitted(network, above: layer) }
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

  /// Whether the fit above a layer has a constant, which biases take.
  private func hasConstant(above layer: Int) -> Bool {
    let above = student.layers[layer + 1]
    guard case .convolution(let window) = above.kind else { return above.biases != nil }
    return above.biases != nil && window.rowPadding + window.columnPadding == 0
  }

  private func elimination(ofLayer layer: Int) -> NodeElimination {
    let (count, above) = (student.hiddenCounts[layer], student.layers[layer + 1])
    let constant = hasConstant(above: layer)
    var gram = Matrix(rowCount: count + 1, columnCount: count + 1)
    data.fitting.forEachBatch(count: data.fitting.set.count) { batch, range in
      let maps = ChannelMaps(of: whole, at: batch, count: range.count, layer: layer)
      for part in maps.parts { LinearAlgebra.addGram(of: maps.rows(ofImages: part).appendingOnes(), to: &gram) }
      return true
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
    let width = above.inputCount / count
    var outgoing = Matrix(rowCount: count, columnCount: above.nodeCount * width)
    for upper in 0..<above.nodeCount {
      for column in 0..<above.inputCount {
        outgoing[column / width, upper * width + column % width] = above.weights[upper, column]
      }
    }
    var products = Matrix(rowCount: count, columnCount: count)
    LinearAlgebra.multiply(outgoing, outgoing, transposingSecond: true, into: &products)
    return NodeElimination(moments: moments, outgoing: products)
  }

  /// The network with the weights above a layer fitted to the whole network's maps there.
  private func refitted(_ network: Network, above layer: Int) throws(ShapeError) -> Network {
    let (count, kept) = (student.hiddenCounts[layer], network.hiddenCounts[layer])
    let constant = hasConstant(above: layer)
    let unknowns = kept + (constant ? 1 : 0)
    let evaluator = try ImageEvaluator(network)
    var gram = Matrix(rowCount: unknowns, columnCount: unknowns)
    var fit = Matrix(rowCount: count, columnCount: unknowns)
    data.fitting.forEachBatch(count: data.fitting.set.count) { batch, range in
      let wanted = ChannelMaps(of: whole, at: batch, count: range.count, layer: layer)
      let found = ChannelMaps(of: evaluator, at: batch, count: range.count, layer: layer)
      for part in wanted.parts {
        var maps = found.rows(ofImages: part)
        if constant { maps = maps.appendingOnes() }
        LinearAlgebra.addGram(of: maps, to: &gram)
        LinearAlgebra.multiply(wanted.rows(ofImages: part), transposingFirst: true, maps, into: &fit, scale: 1)
      }
      return true
    }
    let trace = (0..<unknowns).reduce(0) { $0 + gram[$1, $1] }
    for unknown in 0..<unknowns { gram[unknown, unknown] += max(1e-9 * trace / Double(unknowns), 1e-30) }
    guard LinearAlgebra.factorCholesky(&gram) else { return network }
    LinearAlgebra.solveCholesky(gram, rightSides: &fit)
    let above = student.layers[layer + 1]
    let width = above.inputCount / count
    var result = network
    var weights = Matrix(rowCount: above.nodeCount, columnCount: kept * width)
    var biases = above.biases
    for upper in 0..<above.nodeCount {
      for node in 0..<count {
        for place in 0..<width {
          let weight = above.weights[upper, node * width + place]
          for k in 0..<kept { weights[upper, k * width + place] += weight * fit[node, k] }
          if constant { biases?[upper] += weight * fit[node, kept] }
        }
      }
    }
    result[layer: layer + 1].weights = weights
    result[layer: layer + 1].biases = biases
    return result.isFinite ? result : network
  }
}
