import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// A deep student made from a teacher by changes that leave the function as it is.
struct DeepPlanting {
  var network: Network
  private var stream: RandomStream

  init(_ teacher: Teacher, key: UInt64) {
    network = teacher.network
    stream = RandomStream(key: key, purpose: .test, index: 2)
  }

  private mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * stream.uniforms(1)[0] }

  private mutating func setLayer(_ layer: Int, rows: [[Double]], biases: [Double]?, fanOut: [[Double]]) {
    network = network.replacing(
      hiddenLayer: layer, by: NetworkLayer(weights: Matrix(rows), biases: biases),
      above: NetworkLayer(weights: Matrix(fanOut).transposed, biases: network.layers[layer + 1].biases))
  }

  private func parts(_ layer: Int) -> (rows: [[Double]], biases: [Double]?, fanOut: [[Double]]) {
    let (lower, upper) = (network.layers[layer], network.layers[layer + 1])
    return (
      (0..<lower.nodeCount).map { Array(lower.weights.row($0)) }, lower.biases,
      (0..<lower.nodeCount).map { upper.weights.column($0) }
    )
  }

  /// The node twice, in two scales and with uneven shares of its fan-out. Over a layer with two like nodes the rows differ.
  ///
  /// - Returns: the scale of the second one.
  @discardableResult
  mutating func split(_ node: Int, in layer: Int) -> Double {
    var (rows, biases, fanOut) = parts(layer)
    let scale = uniform(0.3, 3)
    rows.append(rows[node].map { $0 * scale })
    if let bias = biases?[node] { biases?.append(bias * scale) }
    let shares = stream.uniforms(fanOut[node].count)
    fanOut.append(zip(fanOut[node], shares).map { $0 * $1 / scale })
    for (u, share) in shares.enumerated() { fanOut[node][u] *= 1 - share }
    setLayer(layer, rows: rows, biases: biases, fanOut: fanOut)
    return scale
  }

  /// Below, `second` is `first` times `scale`: node `upper` takes less of one and more of the other.
  mutating func shiftRow(_ upper: Int, in layer: Int, from first: Int, to second: Int, scale: Double, by amount: Double)
  {
    network[layer: layer].weights[upper, first] -= amount * scale
    network[layer: layer].weights[upper, second] += amount
  }

  /// A node on a boundary of its own, with given fan-out.
  mutating func add(in layer: Int, fanOut added: [Double]) {
    var (rows, biases, fanOut) = parts(layer)
    rows.append(stream.normals(network.layers[layer].inputCount, standardDeviation: 1))
    let bias = uniform(-0.5, 0.5)
    biases?.append(bias)
    fanOut.append(added)
    setLayer(layer, rows: rows, biases: biases, fanOut: fanOut)
  }

  /// A node that nothing above uses.
  mutating func addUnused(in layer: Int) {
    add(in: layer, fanOut: [Double](repeating: 0, count: network.layers[layer + 1].nodeCount))
  }

  /// A node that only the last node above uses.
  mutating func addJunk(in layer: Int) {
    let count = network.layers[layer + 1].nodeCount
    add(in: layer, fanOut: (0..<count).map { $0 == count - 1 ? 0.7 : 0 })
  }

  /// Two nodes on one boundary whose fan-outs cancel.
  mutating func addZeroSum(in layer: Int) {
    let fanOut = stream.normals(network.layers[layer + 1].nodeCount, standardDeviation: 1)
    add(in: layer, fanOut: fanOut)
    var (rows, biases, all) = parts(layer)
    rows.append(rows[rows.count - 1].map { 2 * $0 })
    if let last = biases?.last { biases?.append(2 * last) }
    all.append(fanOut.map { -$0 / 2 })
    setLayer(layer, rows: rows, biases: biases, fanOut: all)
  }

  /// Another order and other scales.
  mutating func scramble() {
    for layer in network.layers.indices.dropLast() {
      var (rows, biases, fanOut) = parts(layer)
      for k in rows.indices.reversed() {
        let other = Int(stream.uniforms(1)[0] * Double(k + 1))
        rows.swapAt(k, other)
        biases?.swapAt(k, other)
        fanOut.swapAt(k, other)
        let factor = uniform(0.3, 3)
        rows[k] = rows[k].map { $0 * factor }
        biases?[k] *= factor
        fanOut[k] = fanOut[k].map { $0 / factor }
      }
      setLayer(layer, rows: rows, biases: biases, fanOut: fanOut)
    }
  }
}

/// Unit rows and biases at the median, so that every node is active on half of `x`.
func deepTeacher(_ widths: [Int], c: Int, slope: Double, over x: Matrix, key: UInt64) throws -> Teacher {
  var stream = RandomStream(key: key, purpose: .test, index: 5)
  var layers: [NetworkLayer] = []
  var below = x
  for width in widths {
    var weights = stream.normalMatrix(rowCount: width, columnCount: below.columnCount, standardDeviation: 1)
    for j in 0..<width {
      let norm = euclideanNorm(weights.row(j))
      for f in 0..<below.columnCount { weights[j, f] /= norm }
    }
    let plain = NetworkLayer(weights: weights, biases: nil).preactivations(over: below)
    let biases = (0..<width).map { -plain.column($0).sorted()[x.rowCount / 2] }
    layers.append(NetworkLayer(weights: weights, biases: biases))
    below = Activation(negativeSlope: slope)(layers[layers.count - 1].preactivations(over: below))
  }
  layers.append(
    NetworkLayer(
      weights: stream.normalMatrix(rowCount: c, columnCount: below.columnCount, standardDeviation: 1),
      biases: stream.normals(c, standardDeviation: 0.5)))
  return Teacher(try Network(layers: layers, activation: Activation(negativeSlope: slope)))
}
