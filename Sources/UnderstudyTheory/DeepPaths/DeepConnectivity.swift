import UnderstudyNetworks
import UnderstudyNumerics

/// The path between two students of any number of hidden layers.
///
/// 1. Each layer of A, the lowest first, is reduced to nodes that carry; see `LayeredReduction`.
/// 2. Nodes that carry nothing take on the weights of B's carrying nodes, reduced likewise, in all layers at once: a second
///    network, which no output depends on.
/// 3. The output layer moves from the first network to the second: outputs are linear along it.
/// 4. Nodes of B whose places were taken move there, layer by layer.
/// 5. Nodes that carry nothing take on the weights that they have in B reduced.
/// 6. The first step, backwards, for B.
///
/// So every segment moves weights that no output depends on, or weights along which pre-activations or outputs are linear and the
/// same at both ends: the loss along it is at most that of its worse end. That takes as many nodes in each layer as A and B carry
/// together. Where a layer holds fewer, as with most trained students, the first and the last step bring A and B to networks on half of
/// their nodes, the highest layer first and at whatever loss these have; see `HalfWidthReduction`. Then no loss on the path is larger than at
/// its corners.
///
/// - Parameters:
///   - reducing: makes a smaller student of a layer and what is above it; by default by merging.
///   - retraining: trains the small networks of the second kind of path; by default none is trained, only fitted.
/// - Shape: `inputs` is `[sample, feature]`, `targets` is `[sample, output]`.
/// - Throws: ``ShapeError`` if the students differ in shape, are linear or not finite, or the data do not fit.
/// - Complexity: that of the reduction of each layer of both, and O(weights) a segment.
/// - Source: the statement is Tian's, in the talk that goes with arXiv:1909.13458, for two layers; the construction is derived, see
///   the derivation of connected solutions; the second kind of path is that of Kuditipudi et al. 2019, arXiv:1906.06247, with fits.
public func deepPath(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix, reducing: StudentReduction? = nil,
  retraining: StudentRetraining? = nil
) throws(ShapeError) -> ConstructedPath {
  try checkJoinable(a.network, b.network)
  try checkInputs(inputs, fit: a.network)
  if a == b {
    let stay = PathSegment(from: a.network, to: b.network, what: "Nothing moves: student A and student B are equal.")
    return ConstructedPath(segments: [stay], obstacle: nil)
  }
  try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: a.network.outputCount)
  // Not `reducing ?? merged`, on which Swift 6.1 crashes.
  guard let reducing else {
    return try path(from: a, to: b, over: inputs, targets: targets, reducing: merged, retraining: retraining)
  }
  return try path(from: a, to: b, over: inputs, targets: targets, reducing: reducing, retraining: retraining)
}

/// The path that keeps the outputs, or else the one over networks on half of the nodes.
private func path(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix, reducing: StudentReduction,
  retraining: StudentRetraining?
) throws(ShapeError) -> ConstructedPath {
  let exact = DeepPathBuilder(
    first: try LayeredReduction(of: a.network, over: inputs, reducing: reducing).reduced,
    second: try LayeredReduction(of: b.network, over: inputs, reducing: reducing).reduced)
  guard let shortage = exact.shortage else { return ConstructedPath(segments: exact.path(), obstacle: nil) }
  guard
    let first = try HalfWidthReduction(of: a.network, over: inputs, targets: targets, retraining: retraining)?.reduced,
    let second = try HalfWidthReduction(of: b.network, over: inputs, targets: targets, retraining: retraining)?.reduced
  else { return ConstructedPath(segments: [], obstacle: shortage) }
  return ConstructedPath(
    segments: DeepPathBuilder(first: first, second: second).path(), obstacle: nil, shortage: shortage)
}

private func merged(_ student: Student, _ inputs: Matrix, _ targets: Matrix) throws(ShapeError) -> MergedStudent {
  try merge(student, over: inputs, targets: targets)
}

/// Puts the segments of a deep path together.
private struct DeepPathBuilder {
  private var segments: [PathSegment] = []
  private let first: ReducedStudent
  private let second: ReducedStudent
  /// Where B's carrying nodes stand at the moment, by their places in B. `[hidden layer]`
  private var places: [[Int: Int]] = []
  private var current: Network

  init(first: ReducedStudent, second: ReducedStudent) {
    (self.first, self.second, current) = (first, second, first.network)
  }

  /// - Precondition: no layer is short of nodes.
  func path() -> [PathSegment] {
    var builder = self
    builder.build()
    return builder.segments
  }

  private var target: Network { second.network }
  private var layers: Range<Int> { target.hiddenCounts.indices }

  /// Layers that hold fewer nodes than both students carry.
  var shortage: String? {
    let lacking = layers.compactMap { layer -> String? in
      let (own, others, count) = (first.carriers[layer].count, second.carriers[layer].count, target.hiddenCounts[layer])
      guard own + others > count else { return nil }
      return
        "hidden layer \(layerLabel(ofIndex: layer)) has \(count) nodes, and student A's function takes \(own) of them and "
        + "B's \(others); \(own + others - count) more are enough"
    }
    return lacking.isEmpty ? nil : lacking.joined(separator: "; ")
  }

  private mutating func move(to network: Network, _ what: String) {
    guard network != current else { return }
    segments.append(PathSegment(from: current, to: network, what: what))
    current = network
  }

  private mutating func build() {
    segments = first.steps.map(\.segment)
    chooseFirstPlaces()
    move(
      to: withSecondNetwork,
      "Nodes of all hidden layers that carry nothing take on the weights of the nodes that carry in student B: a second "
        + "network, beside the first, on which no output depends.")
    move(
      to: withOutputsOfSecond,
      "The output layer moves from the first network to the second, and so do the output biases.")
    for layer in layers { moveHome(layer) }
    move(to: target, "Nodes that carry nothing take on the weights that they have in student B, reduced.")
    segments += second.steps.reversed().map(\.backwards)
  }

  /// B's carrying nodes stand at home where A carries nothing there, else on nodes that carry in neither.
  private mutating func chooseFirstPlaces() {
    places = layers.map { layer in
      let (taken, homes) = (Set(first.carriers[layer]), second.carriers[layer])
      var spare = (0..<target.hiddenCounts[layer]).filter { !taken.contains($0) && !homes.contains($0) }.makeIterator()
      return Dictionary(uniqueKeysWithValues: homes.map { ($0, taken.contains($0) ? spare.next() ?? $0 : $0) })
    }
  }

  private var withSecondNetwork: Network {
    var network = current
    for layer in layers {
      let own = target.layers[layer]
      for (home, place) in places[layer] {
        network[layer: layer].setRow(place, to: own, home, columns: columns(below: layer))
      }
    }
    return network
  }

  /// The columns of a layer's weights that carry in B, and where they stand.
  private func columns(below layer: Int) -> [(from: Int, to: Int)] {
    layer == 0
      ? (0..<target.inputCount).map { ($0, $0) } : places[layer - 1].map { (from: $0.key, to: $0.value) }
  }

  private var withOutputsOfSecond: Network {
    var network = current
    let top = target.layers.count - 1
    for c in 0..<target.outputCount {
      network[layer: top].setRow(c, to: target.layers[top], c, columns: columns(below: top))
    }
    return network
  }

  /// Moves what stands elsewhere home: the node at home, on which no output depends, becomes a copy, and then the weights above
  /// move over, along which their pre-activations do not change.
  private mutating func moveHome(_ layer: Int) {
    let away = places[layer].filter { $0.key != $0.value }.sorted { $0.key < $1.key }
    guard !away.isEmpty else { return }
    var copied = current
    for (home, place) in away { copied[layer: layer].setRow(home, to: current.layers[layer].row(place)) }
    let (label, words) = (layerLabel(ofIndex: layer), nodeWords(away.map(\.key)))
    move(
      to: copied,
      "Hidden layer \(label): \(words), on which no output depends, become copies of nodes of the second network.")
    var moved = current
    let above =
      layer + 1 == target.layers.count - 1 ? Array(0..<target.outputCount) : Array(places[layer + 1].values)
    for (home, place) in away {
      for node in above {
        moved[layer: layer + 1].weights[node, home] = current.layers[layer + 1].weights[node, place]
        moved[layer: layer + 1].weights[node, place] = 0
      }
    }
    move(
      to: moved, "Hidden layer \(label): the fan-out moves to \(words) from the nodes that they are copies of.")
    for (home, _) in away { places[layer][home] = home }
  }
}
