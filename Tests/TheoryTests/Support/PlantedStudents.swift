import UnderstudyNetworks
import UnderstudyNumerics

/// Students made from a teacher by changes that leave the function as it is, so that what a measure should say is known.
struct PlantedStudent {
  struct Node {
    var row: [Double]
    var bias: Double
    var fanOut: [Double]
  }

  private(set) var nodes: [Node]
  private(set) var outputBiases: [Double]?
  private let teacher: Network
  private var stream: RandomStream

  /// The teacher itself, to be changed.
  init(_ teacher: Teacher, key: UInt64) {
    let network = teacher.network
    self.teacher = network
    stream = RandomStream(key: key, purpose: .test, index: 1)
    nodes = (0..<network.hiddenCounts[0]).map { j in
      Node(
        row: Array(network.layers[0].weights.row(j)), bias: network.layers[0].biases?[j] ?? 0,
        fanOut: network.layers[1].weights.column(j))
    }
    outputBiases = network.layers[1].biases
  }

  private var slope: Double { teacher.activation.negativeSlope }
  private var hasBiases: Bool { teacher.layers[0].biases != nil }

  private mutating func uniform(_ low: Double, _ high: Double) -> Double { low + (high - low) * stream.uniforms(1)[0] }

  mutating func rescale(_ k: Int) { rescale(k, by: uniform(0.2, 4)) }

  mutating func rescale(_ k: Int, by factor: Double) {
    nodes[k].row = nodes[k].row.map { $0 * factor }
    nodes[k].bias *= factor
    nodes[k].fanOut = nodes[k].fanOut.map { $0 / factor }
  }

  /// Two nodes on one boundary, of different scale, that share the fan-out unevenly.
  mutating func split(_ k: Int) {
    var copy = nodes[k]
    for c in copy.fanOut.indices {
      let part = uniform(-1, 2) * copy.fanOut[c] + uniform(-0.5, 0.5)
      copy.fanOut[c] -= part
      nodes[k].fanOut[c] = part
    }
    nodes.append(copy)
    rescale(nodes.count - 1)
  }

  /// `v phi(a) = v phi(-a) + (1 + c) v a`; the linear remainder is carried by pairs of zero sum, `(1 + c) v a' = v phi(a') -
  /// v phi(-a')`, on a parallel boundary where there are biases, on two that add up to a where there are none.
  mutating func flip(_ k: Int) {
    let node = nodes[k]
    nodes[k].row = node.row.map { -$0 }
    nodes[k].bias = -node.bias
    if hasBiases, outputBiases != nil {
      let shift = uniform(0.3, 0.9)
      addPair(row: node.row, bias: node.bias + shift, fanOut: node.fanOut)
      addConstant(node.fanOut.map { -(1 + slope) * $0 * shift })
    } else {
      let part = stream.normals(node.row.count, standardDeviation: 1)
      addPair(row: part, bias: 0, fanOut: node.fanOut)
      addPair(row: zip(node.row, part).map { $0 - $1 }, bias: node.bias, fanOut: node.fanOut)
    }
  }

  private mutating func addPair(row: [Double], bias: Double, fanOut: [Double]) {
    nodes.append(Node(row: row, bias: bias, fanOut: fanOut))
    nodes.append(Node(row: row.map { -$0 }, bias: -bias, fanOut: fanOut.map { -$0 }))
    rescale(nodes.count - 1)
  }

  /// A node without fan-out weights on a boundary of its own.
  mutating func addWithoutFanOut() {
    nodes.append(
      Node(
        row: stream.normals(teacher.inputCount, standardDeviation: 1), bias: hasBiases ? uniform(-1, 1) : 0,
        fanOut: [Double](repeating: 0, count: teacher.outputCount)))
  }

  /// A node without weights, whose constant the output biases take back.
  mutating func addWithoutBoundary() {
    let bias = hasBiases ? uniform(0.1, 1) : 0
    let fanOut = stream.normals(teacher.outputCount, standardDeviation: 1)
    nodes.append(Node(row: [Double](repeating: 0, count: teacher.inputCount), bias: bias, fanOut: fanOut))
    addConstant(fanOut.map { -$0 * bias })
  }

  private mutating func addConstant(_ constant: [Double]) {
    outputBiases = outputBiases.map { biases in zip(biases, constant).map { $0 + $1 } }
  }

  /// Three nodes on a boundary of their own whose kinks cancel.
  mutating func addZeroSum() {
    let row = stream.normals(teacher.inputCount, standardDeviation: 1)
    let bias = hasBiases ? uniform(-1, 1) : 0
    let first = stream.normals(teacher.outputCount, standardDeviation: 1)
    let second = stream.normals(teacher.outputCount, standardDeviation: 1)
    for fanOut in [first, second, zip(first, second).map { -$0 - $1 }] {
      nodes.append(Node(row: row, bias: bias, fanOut: fanOut))
      rescale(nodes.count - 1)
    }
  }

  mutating func shuffle() {
    let draws = stream.uniforms(nodes.count)
    for (i, draw) in draws.enumerated() {
      nodes.swapAt(i, i + Int(draw * Double(nodes.count - i)))
    }
  }

  func student() throws -> Student {
    Student(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix(nodes.map(\.row)), biases: hasBiases ? nodes.map(\.bias) : nil),
          NetworkLayer(weights: Matrix(nodes.map(\.fanOut)).transposed, biases: outputBiases),
        ], activation: teacher.activation))
  }
}

/// A teacher whose boundaries cross the data, of unit rows and fan-out weights of size 1.
func plantedTeacher(
  d: Int, m: Int, c: Int, slope: Double = 0, hiddenBiases: Bool = true, outputBiases: Bool = true, key: UInt64
) throws -> Teacher {
  var stream = RandomStream(key: key, purpose: .test)
  var rows = stream.normalMatrix(rowCount: m, columnCount: d, standardDeviation: 1)
  for j in 0..<m {
    let norm = euclideanNorm(rows.row(j))
    for f in 0..<d { rows[j, f] /= norm }
  }
  return Teacher(
    try Network(
      layers: [
        NetworkLayer(weights: rows, biases: hiddenBiases ? stream.normals(m, standardDeviation: 0.3) : nil),
        NetworkLayer(
          weights: stream.normalMatrix(rowCount: c, columnCount: m, standardDeviation: 1),
          biases: outputBiases ? stream.normals(c, standardDeviation: 0.5) : nil),
      ], activation: Activation(negativeSlope: slope)))
}
