import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Spans of fan-out weights") struct FanOutSpanTests {
  private func matrix(_ rows: Int, _ columns: Int, key: UInt64 = 4) -> Matrix {
    var stream = RandomStream(key: key, purpose: .test)
    return stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 2)
  }

  private func unit(_ matrix: Matrix) -> Matrix {
    Matrix(
      (0..<matrix.rowCount).map { row in
        let norm = euclideanNorm(matrix.row(row))
        return matrix.row(row).map { norm > 0 ? $0 / norm : 0 }
      })
  }

  /// The square of a singular value comes from a Gram matrix, with an error of a few u = 1.1e-16 of the largest square: so the
  /// value has 1e-8 of the largest where it is 0, and far less elsewhere.
  @Test("are those of a singular value decomposition", arguments: [(1, 1), (2, 3), (3, 3), (9, 4), (40, 7), (4, 9)])
  func decomposition(shape: (nodes: Int, outputs: Int)) throws {
    let fanOuts = matrix(shape.nodes, shape.outputs)
    let span = FanOutSpan(fanOuts)
    let values = try #require(LinearAlgebra.singularValues(of: unit(fanOuts))).values
    #expect(span.nodeCount == shape.nodes && span.needed == shape.outputs)
    #expect(abs(span.largest - values[0]) < 1e-12 * values[0])
    let least = shape.nodes < shape.outputs ? 0 : values[shape.outputs - 1]
    #expect(abs(span.smallest - least) < 1e-9 * values[0])
    #expect(span.rank == min(shape.nodes, shape.outputs) && span.isOfAllOutputs == (shape.nodes >= shape.outputs))
    #expect(span.smallest <= (Double(shape.nodes) / Double(shape.outputs)).squareRoot() + 1e-12, "squares add up to q")
    // Lengths do not matter, nodes without fan-out do not count.
    var scaled = fanOuts
    for row in 0..<shape.nodes {
      for c in 0..<shape.outputs { scaled[row, c] *= 1e-150 * Double(row + 1) }
    }
    let rows = (0..<shape.nodes).map { Array(scaled.row($0)) } + [[Double](repeating: 0, count: shape.outputs)]
    let again = FanOutSpan(Matrix(rows))
    #expect(again.nodeCount == span.nodeCount && again.rank == span.rank)
    #expect(abs(again.smallest - span.smallest) < 1e-9 && abs(again.largest - span.largest) < 1e-12)
  }

  @Test("of no nodes is 0, and of one direction is not of all outputs")
  func degenerate() {
    let none = FanOutSpan(Matrix(rowCount: 0, columnCount: 3))
    #expect(none == FanOutSpan(nodeCount: 0, rank: 0, needed: 3, smallest: 0, largest: 0))
    let one = FanOutSpan(Matrix([[1, 2], [2, 4], [-3, -6]]))
    #expect(one.rank == 1 && one.smallest < 1e-7 && abs(one.largest - 3.squareRoot()) < 1e-12)
  }

  /// What a boundary carries is at most the root of the squared components along the observers' unit fan-outs over the smallest
  /// singular value.
  @Test("bound what a boundary carries", arguments: [3, 5, 12])
  func bound(nodes: Int) {
    let fanOuts = matrix(nodes, 3, key: 9)
    let span = FanOutSpan(fanOuts)
    let directions = unit(fanOuts)
    for trial in 0..<20 {
      let kink = Array(matrix(1, 3, key: UInt64(100 + trial)).row(0))
      let seen = (0..<nodes).map { dotProduct(directions.row($0), kink[...]) }
      #expect(euclideanNorm(kink) <= euclideanNorm(seen) / span.smallest * (1 + 1e-9))
    }
  }

  /// Observers by counting samples one by one, in two layers over the whole band and in three at each sample of it. Leaky nodes
  /// observe every boundary from either side.
  @Test("are of the nodes that observe a boundary", arguments: [[3, 4, 2], [3, 4, 5, 2]], [0, 0.2])
  func observers(widths: [Int], slope: Double) throws {
    let network = try Draw.network(widths, key: 12, slope: slope)
    let (teacher, student) = (Teacher(network), Student(network))
    let x = Draw.inputs(200, 3)
    let width = 0.4
    let boundaries = Boundaries(of: network.layers[0])
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: 1e-9, spread: 1)
    let seen = try observation(of: boundaries, by: student, over: x, bandWidth: width)
    let found = try observerSpans(of: student, groups: groups, observed: seen, over: x, regionLimit: 1000)
    let z = network.layers[0].preactivations(over: x)
    for k in 0..<4 {
      let norm = euclideanNorm(network.layers[0].weights.row(k))
      let band = (0..<200).filter { abs(z[$0, k]) / norm <= width }
      #expect(!band.isEmpty)
      if network.isTwoLayer {
        let active = (0..<4).filter { h in slope > 0 || h != k && band.contains { z[$0, h] > 0 } }
        let expected = FanOutSpan(Matrix(active.map { Array(network.fanOutWeights.row($0)) }))
        #expect(found[k] == expected, "node \(k)")
      } else {
        let spans = band.map { sample -> FanOutSpan in
          let fanOut = (0..<4).filter { slope > 0 || $0 != k && z[sample, $0] > 0 }.map { h -> [Double] in
            // Column h of V_1: what an activation of 1 at h sends up with the gates of the sample.
            let upper = network.layers[1].preactivations(over: network.activation(z))
            return (0..<2).map { c in
              (0..<5).reduce(0) { sum, u in
                sum + (upper[sample, u] > 0 ? 1 : slope) * network.layers[2].weights[c, u]
                  * network.layers[1].weights[u, h]
              }
            }
          }
          return FanOutSpan(fanOut.isEmpty ? Matrix(rowCount: 0, columnCount: 2) : Matrix(fanOut))
        }
        let worst = try #require(spans.map(\.smallest).min())
        #expect(abs(try #require(found[k]).smallest - worst) < 1e-9)
      }
    }
  }

  @Test("the four verdicts, with planted students")
  func verdicts() throws {
    let teacher = try Draw.network([4, 3, 2], key: 21)
    let x = Draw.inputs(2000, 4)
    // Two more nodes on one boundary that cancel, and observers of two outputs.
    var student = try Draw.copy(of: teacher, extra: 2, key: 8).network
    let twin = student.layers[0].row(3).map { 2 * $0 }
    for f in 0..<4 { student[layer: 0].weights[4, f] = twin[f] }
    student[layer: 0].biases?[4] = twin[4]
    let kink = [0.7, -0.4]
    for c in 0..<2 {
      student[layer: 1].weights[c, 3] = kink[c]
      student[layer: 1].weights[c, 4] = -kink[c] / 2
    }
    func nodes(_ change: (inout Network) -> Void) throws -> [StudentNodeAudit] {
      var changed = student
      change(&changed)
      return try audit(of: Student(changed), learning: Teacher(teacher), over: x).studentNodes
    }
    let empty = try nodes { _ in }
    #expect(empty.prefix(3).allSatisfy { $0.unaligned == nil && $0.isAligned && $0.observerSpan != nil })
    #expect(empty.suffix(2).allSatisfy { $0.unaligned == .predictedAndEmpty && $0.carriedShare < 1e-12 })
    #expect(empty[3].observerSpan?.needed == 2 && empty[3].observerSpan?.nodeCount == 3, "not itself, not its twin")
    // One of the two is stronger: the outputs are no longer the teacher's.
    let full = try nodes { $0[layer: 1].weights[0, 3] = 3 }
    #expect(full.suffix(2).allSatisfy { $0.unaligned == .notEmpty && $0.carriedShare > 0.1 })
    // All fan-outs along one direction span one output.
    func flatten(_ network: inout Network) {
      let first = Array(network.layers[1].weights.row(0))
      for k in 0..<5 { network[layer: 1].weights[1, k] = 2 * first[k] }
    }
    let flat = try nodes(flatten)
    #expect(flat.suffix(2).allSatisfy { $0.unaligned == .emptyThoughNotPredicted && $0.observerSpan?.rank == 1 })
    let open = try nodes {
      $0[layer: 1].weights[0, 3] = 3
      flatten(&$0)
    }
    #expect(open.suffix(2).allSatisfy { $0.unaligned == .notSpanned })
  }
}
