import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

private func network(_ first: [[Double]], _ biases: [Double], _ last: [[Double]], slope: Double = 0) throws -> Network {
  try Network(
    layers: [
      NetworkLayer(weights: Matrix(first), biases: biases),
      NetworkLayer(weights: Matrix(last), biases: [Double](repeating: 0, count: last.count)),
    ], activation: Activation(negativeSlope: slope))
}

private func randomNetwork(d: Int, n: Int, c: Int, key: UInt64, slope: Double = 0) throws -> Network {
  var stream = RandomStream(key: key, purpose: .test)
  return try Network(
    layers: [
      NetworkLayer(
        weights: stream.normalMatrix(rowCount: n, columnCount: d, standardDeviation: 1),
        biases: stream.normals(n, standardDeviation: 0.5)),
      NetworkLayer(
        weights: stream.normalMatrix(rowCount: c, columnCount: n, standardDeviation: 1),
        biases: stream.normals(c, standardDeviation: 0.5)),
    ], activation: Activation(negativeSlope: slope))
}

@Suite("Correlation") struct CorrelationTests {
  // 130 samples: two whole blocks of 64 and a tail of two.
  @Test("agrees with the textbook formula", arguments: [1, 2, 63, 64, 65, 130])
  func textbook(count: Int) throws {
    let (teacher, student) = (
      Teacher(try randomNetwork(d: 5, n: 3, c: 2, key: 1)), Student(try randomNetwork(d: 5, n: 4, c: 2, key: 2))
    )
    let x = Draw.inputs(count, 5)
    let rho = try correlation(of: teacher, with: student, over: x)
    let withFloor = try correlation(of: teacher, with: student, over: x, floor: .peer)
    for j in 0..<3 {
      for k in 0..<4 {
        let a = (0..<count).map { activation(teacher.network, j, x.row($0)) }
        let b = (0..<count).map { activation(student.network, k, x.row($0)) }
        let (meanA, meanB) = (a.reduce(0, +) / Double(count), b.reduce(0, +) / Double(count))
        let covariance = zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) }
        let norms = (
          a.reduce(0) { $0 + ($1 - meanA) * ($1 - meanA) }, b.reduce(0) { $0 + ($1 - meanB) * ($1 - meanB) }
        )
        // Sums of `count` terms of size about 1: rounding below count x 2e-16, a thousandfold margin.
        let expected = norms.0 * norms.1 > 0 ? covariance / (norms.0 * norms.1).squareRoot() : 0
        #expect(abs(rho.values[j, k] - expected) < 1e-10, "\(count) samples, teacher \(j), student \(k)")
        let faded = covariance / ((norms.0 + 1e-10) * (norms.1 + 1e-10)).squareRoot()
        #expect(abs(withFloor.values[j, k] - faded) < 1e-10, "\(count) samples, teacher \(j), student \(k)")
      }
    }
  }

  private func activation(_ network: Network, _ node: Int, _ x: ArraySlice<Double>) -> Double {
    let z = zip(network.layers[0].weights.row(node), x).reduce(network.layers[0].biases?[node] ?? 0) {
      $0 + $1.0 * $1.1
    }
    return network.activation(z)
  }

  @Test("is 1 for a permuted and rescaled copy, at its place")
  func permutedCopy() throws {
    let teacher = Teacher(try randomNetwork(d: 6, n: 4, c: 3, key: 3))
    let order = [2, 0, 3, 1]
    var layers = teacher.network.layers
    for (k, j) in order.enumerated() {
      let scale = Double(k + 1)
      for f in 0..<6 { layers[0].weights[k, f] = scale * teacher.network.layers[0].weights[j, f] }
      layers[0].biases?[k] = scale * (teacher.network.layers[0].biases?[j] ?? 0)
    }
    let student = Student(try Network(layers: layers, activation: .relu))
    let rho = try correlation(of: teacher, with: student, over: Draw.inputs(200, 6))
    for (k, j) in order.enumerated() { #expect(rho.values[j, k] > 1 - 1e-9) }
  }

  @Test("names dead nodes and has no NaN")
  func deadNodes() throws {
    // Node 1 of the student is never active; node 0 of the teacher neither.
    let teacher = Teacher(try network([[0, 0], [1, 0]], [-1, 0], [[1, 1]]))
    let student = Student(try network([[1, 0], [0, 0], [0, 1]], [0, -5, 0], [[1, 1, 1]]))
    let rho = try correlation(of: teacher, with: student, over: Draw.inputs(100, 2))
    #expect(rho.deadTeacherNodes == [0])
    #expect(rho.deadStudentNodes == [1])
    #expect(rho.values.isFinite)
    #expect(rho.values.row(0).allSatisfy { $0 == 0 })
    #expect(rho.values[1, 0] > 1 - 1e-9)
  }

  @Test("a constant positive activation is dead too")
  func constantNode() throws {
    let teacher = Teacher(try network([[0, 0], [1, 0]], [0.1, 0], [[1, 1]]))
    let student = Student(try network([[1, 0], [0, 1]], [0, 0], [[1, 1]]))
    #expect(try correlation(of: teacher, with: student, over: Draw.inputs(300, 2)).deadTeacherNodes == [0])
  }

  @Test("refuses what does not fit, and says what")
  func shapes() throws {
    let teacher = Teacher(try randomNetwork(d: 5, n: 3, c: 2, key: 1))
    let narrow = Student(try randomNetwork(d: 5, n: 2, c: 2, key: 2))
    #expect {
      try correlation(of: teacher, with: narrow, over: Draw.inputs(10, 5))
    } throws: {
      "\($0)".contains("2 student nodes cannot cover 3 teacher nodes")
    }
    let student = Student(try randomNetwork(d: 5, n: 3, c: 2, key: 2))
    #expect(throws: ShapeError.self) { try correlation(of: teacher, with: student, over: Draw.inputs(10, 4)) }
    #expect(throws: ShapeError.self) { try correlation(of: teacher, with: student, over: Draw.inputs(0, 5)) }
  }
}

@Suite("Observation counts") struct ObservationTests {
  @Test("agree with counting by hand", arguments: [1, 64, 100])
  func counting(count: Int) throws {
    let teacher = try randomNetwork(d: 4, n: 3, c: 2, key: 5)
    let student = try randomNetwork(d: 4, n: 5, c: 2, key: 6)
    let x = Draw.inputs(count, 4)
    let counts = try observationCounts(of: Teacher(teacher), by: Student(student), over: x)
    func z(_ network: Network, _ node: Int, _ i: Int) -> Double {
      zip(network.layers[0].weights.row(node), x.row(i)).reduce(network.layers[0].biases?[node] ?? 0) {
        $0 + $1.0 * $1.1
      }
    }
    for j in 0..<3 {
      for k in 0..<5 {
        let active = (0..<count).filter { z(student, k, $0) > 0 }
        let both = active.count { z(teacher, j, $0) > 0 }
        #expect(counts[j, k] == Double(min(both, active.count - both)))
      }
    }
  }
}

@Suite("Gradients") struct GradientTests {
  @Test("per-node statistics and layer norms agree with central differences of the loss", arguments: [0, 0.1, 1])
  func differences(slope: Double) throws {
    let network = try randomNetwork(d: 3, n: 4, c: 2, key: 8, slope: slope)
    let x = Draw.inputs(70, 3)
    let targets = try randomNetwork(d: 3, n: 3, c: 2, key: 9).outputs(for: x)
    let summary = try gradients(of: Student(network), over: x, targets: targets)

    func loss(_ network: Network) throws -> Double {
      let y = try network.outputs(for: x)
      return zip(y.values, targets.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / (2 * 70)
    }
    #expect(abs(summary.loss - (try loss(network))) < 1e-12 * summary.loss)

    // A step of 1e-6 keeps the error of a central difference near 1e-9 and rarely crosses a kink: of 70 samples x 4 nodes
    // a pre-activation within 1e-6 of 0 has a chance of about 1e-4.
    let step = 1e-6
    for layer in 0..<2 {
      var squares = 0.0
      for i in network.layers[layer].weights.values.indices {
        var (up, down) = (network, network)
        up[layer: layer].weights.values[i] += step
        down[layer: layer].weights.values[i] -= step
        let slope = (try loss(up) - loss(down)) / (2 * step)
        squares += slope * slope
      }
      for i in 0..<network.layers[layer].nodeCount {
        var (up, down) = (network, network)
        up[layer: layer].biases?[i] += step
        down[layer: layer].biases?[i] -= step
        let slope = (try loss(up) - loss(down)) / (2 * step)
        squares += slope * slope
      }
      #expect(abs(summary.layerNorms[layer] - squares.squareRoot()) < 1e-6 * max(1, squares.squareRoot()))
    }
  }

  @Test("node gradients follow the recursive rule D (A f* - B f)")
  func recursiveRule() throws {
    let teacher = try randomNetwork(d: 3, n: 2, c: 4, key: 10)
    let student = try randomNetwork(d: 3, n: 3, c: 4, key: 11)
    // Without output biases, so that the rule needs no augmentation.
    var (t, s) = (teacher, student)
    t[layer: 1].biases = [0, 0, 0, 0]
    s[layer: 1].biases = [0, 0, 0, 0]
    let x = Draw.inputs(40, 3)
    let summary = try gradients(of: Student(s), over: x, targets: try t.outputs(for: x))
    let (v, vStar) = (s.fanOutWeights, t.fanOutWeights)
    var squares = [0.0, 0, 0]
    for i in 0..<40 {
      func hidden(_ network: Network) -> [Double] {
        (0..<network.layers[0].nodeCount).map { node in
          zip(network.layers[0].weights.row(node), x.row(i)).reduce(network.layers[0].biases?[node] ?? 0) {
            $0 + $1.0 * $1.1
          }
        }
      }
      let (zStar, z) = (hidden(t), hidden(s))
      for k in 0..<3 where z[k] > 0 {
        var g = 0.0
        for j in 0..<2 { g += zip(v.row(k), vStar.row(j)).reduce(0) { $0 + $1.0 * $1.1 } * max(0, zStar[j]) }
        for l in 0..<3 { g -= zip(v.row(k), v.row(l)).reduce(0) { $0 + $1.0 * $1.1 } * max(0, z[l]) }
        squares[k] += g * g
      }
    }
    for k in 0..<3 { #expect(abs(summary.nodeMeanSquares[k] - squares[k] / 40) < 1e-12 * max(1, squares[k])) }
  }

  @Test("vanish at the teacher itself")
  func teacherItself() throws {
    let network = try randomNetwork(d: 3, n: 4, c: 2, key: 12)
    let x = Draw.inputs(100, 3)
    let summary = try gradients(of: Student(network), over: x, targets: try network.outputs(for: x))
    #expect(summary.loss == 0)
    #expect(summary.nodeMaxima.allSatisfy { $0 == 0 })
    #expect(summary.layerNorms.allSatisfy { $0 == 0 })
  }
}

@Suite("Node strength") struct NodeStrengthTests {
  @Test("fan-out norms change when a node is rescaled, boundary strengths do not")
  func rescaling() throws {
    let before = try network([[3, 4], [1, 0]], [0, 0], [[2, 1], [0, 1]])
    let after = try network([[30, 40], [1, 0]], [0, 0], [[0.2, 1], [0, 1]])
    #expect(fanOutNorms(of: before) == [2, 2.0.squareRoot()])
    #expect(abs(fanOutNorms(of: after)[0] - 0.2) < 1e-15)
    #expect(abs(try boundaryStrengths(of: before)[0] - 10) < 1e-14)
    #expect(abs(try boundaryStrengths(of: after)[0] - 10) < 1e-14)
  }

  @Test("weight changes are Frobenius norms, biases included")
  func changes() throws {
    let before = try network([[0, 0]], [0], [[0]])
    let after = try network([[3, 0]], [4], [[2]])
    #expect(try weightChanges(from: before, to: after) == [5, 2])
  }
}
