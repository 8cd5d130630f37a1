import UnderstudyNetworks
import UnderstudyNumerics

/// What makes a smaller student with the same outputs of a student of one hidden layer: the student, the inputs and the outputs that
/// it should have.
public typealias StudentReduction = (Student, Matrix, Matrix) throws(ShapeError) -> MergedStudent

/// The way from a student of any depth to its function on few nodes of its own, layer by layer, the lowest first.
///
/// Each hidden layer is the hidden layer of a network of two: what enters it on the samples are the inputs, what leaves it are the
/// pre-activations of the nodes above on which outputs depend. ``ReductionPath`` reduces that network along segments that leave these
/// as they are on every sample, at their ends and so between them, because they are linear in the fan-outs along fan-out moves and do
/// not change along the others. Where these pre-activations do not change, no output does. That is repeated until no layer gets
/// smaller: a node above that carries nothing may have been all that kept nodes below.
struct LayeredReduction {
  private(set) var reduced: ReducedStudent

  private var network: Network { reduced.network }
  private var carriers: [[Int]] { reduced.carriers }

  /// - Shape: `inputs` is `[sample, feature]`.
  /// - Throws: ``ShapeError`` if the inputs do not fit, or a layer is linear or not finite.
  /// - Complexity: that of the reduction of each layer, at most eight times.
  init(of start: Network, over inputs: Matrix, reducing: StudentReduction) throws(ShapeError) {
    reduced = ReducedStudent(network: start, carriers: start.nodesOfOutputs)
    for _ in 0..<8 {
      let before = carriers
      var below = inputs
      for layer in start.hiddenCounts.indices {
        try reduce(layer, over: below, reducing: reducing)
        below = network.activations(over: below, entering: layer, layer: layer)
      }
      guard carriers != before else { break }
    }
  }

  private mutating func reduce(
    _ layer: Int, over below: Matrix, reducing: StudentReduction
  ) throws(ShapeError) {
    let columns = layer == 0 ? Array(0..<network.inputCount) : carriers[layer - 1]
    let isHighest = layer == network.hiddenCounts.count - 1
    let rows = isHighest ? Array(0..<network.outputCount) : carriers[layer + 1]
    guard !columns.isEmpty, !rows.isEmpty else { return }
    let (own, above) = (network.layers[layer], network.layers[layer + 1])
    let view = try TwoLayerView(
      Network(
        layers: [
          NetworkLayer(weights: own.weights.keeping(columns: columns), biases: own.biases),
          NetworkLayer(
            weights: above.weights.rows(rows), biases: above.biases.map { biases in rows.map { biases[$0] } }),
        ], activation: network.activation))
    let entering = below.keeping(columns: columns)
    let merged = try reducing(Student(view.network), entering, try view.outputs(for: entering))
    guard merged.unitCount < carriers[layer].count,
      let path = try ReductionPath(of: view, to: merged, over: entering)
    else { return }
    clearIdleRows(of: layer, except: columns)
    for step in path.steps { take(step, ofLayer: layer, rows: rows, columns: columns) }
    reduced.carriers = network.nodesOfOutputs
  }

  /// Makes weights 0 that lead from nodes on which no output depends to others of these: the reduction may let the upper ones
  /// carry something.
  private mutating func clearIdleRows(of layer: Int, except columns: [Int]) {
    let (live, kept) = (Set(carriers[layer]), Set(columns))
    var cleared = network
    for k in 0..<network.hiddenCounts[layer] where !live.contains(k) {
      for column in 0..<network.layers[layer].inputCount where !kept.contains(column) {
        cleared[layer: layer].weights[k, column] = 0
      }
    }
    let what =
      "Hidden layer \(layerLabel(ofIndex: layer)): weights between nodes on which no output depends "
    reduced.move(to: cleared, what + "become 0.", backwards: what + "become student B's.")
  }

  /// Takes a step of a layer and what is above it.
  ///
  /// - Parameter rows, columns: of the weights above and of the layer's own, those that the step knows.
  private mutating func take(_ step: ReductionPath.Step, ofLayer layer: Int, rows: [Int], columns: [Int]) {
    let words = network.isTwoLayer ? "" : "Hidden layer \(layerLabel(ofIndex: layer)): "
    func whole(_ pair: Network) -> Network {
      var result = network
      let (own, above) = (pair.layers[0], pair.layers[1])
      for k in 0..<own.nodeCount {
        for (place, column) in columns.enumerated() {
          result[layer: layer].weights[k, column] = own.weights[k, place]
        }
        for (place, row) in rows.enumerated() {
          result[layer: layer + 1].weights[row, k] = above.weights[place, k]
        }
      }
      result[layer: layer].biases = own.biases
      for (place, row) in rows.enumerated() {
        if let biases = above.biases { result[layer: layer + 1].biases?[row] = biases[place] }
      }
      return result
    }
    reduced.move(
      to: whole(step.segment.to), words + step.segment.what, backwards: words + step.backwards.what)
  }
}

extension Network {
  /// The nodes of each hidden layer, ascending, from which a way of weights that are not 0 leads to an output.
  fileprivate var nodesOfOutputs: [[Int]] {
    var (result, rows) = ([[Int]](), Array(0..<outputCount))
    for layer in hiddenCounts.indices.reversed() {
      let above = layers[layer + 1].weights
      rows = (0..<hiddenCounts[layer]).filter { k in rows.contains { above[$0, k] != 0 } }
      result.append(rows)
    }
    return result.reversed()
  }
}

extension Matrix {
  /// Some of the columns, in this order.
  func keeping(columns: [Int]) -> Matrix {
    guard columns != Array(0..<columnCount) else { return self }
    return Matrix(
      rowCount: rowCount, columnCount: columns.count,
      values: (0..<rowCount).flatMap { row in columns.map { self[row, $0] } })
  }
}
