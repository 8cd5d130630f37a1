import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite struct RegionGradientTests {
  /// Inputs drawn in the ball, half of them near its surface.
  private func ball(_ count: Int, _ d: Int, radius: Double) -> Matrix {
    var inputs = Draw.inputs(count, d, deviation: 1)
    var stream = RandomStream(key: 8, purpose: .test)
    for i in 0..<count {
      let length = radius * (i % 2 == 0 ? 1 : stream.uniforms(1)[0]) / euclideanNorm(inputs.row(i))
      for f in 0..<d { inputs[i, f] *= length }
    }
    return inputs
  }

  /// The corners of all cells are a cube of the boundaries.
  @Test func theCornersOfTooManyCellsAreLeftOut() throws {
    for (count, isExact) in [(40, true), (3000, false)] {
      let (teacher, student) = (
        Teacher(try Draw.network([2, 3, 1], key: 5)), Student(try Draw.network([2, count, 1], key: 6))
      )
      var search = try GradientSearch(of: student, learning: teacher, within: .ball(radius: 2))
      let found = try search.found(
        over: Draw.inputs(10, 2, deviation: 1), tolerances: [Double](repeating: 0, count: count))
      #expect(found.isExact == isExact)
    }
  }

  /// max |g_k| over inputs, in plain loops.
  private func largestGradients(_ student: Student, _ teacher: Teacher, over inputs: Matrix) throws -> [Double] {
    let (given, own) = (try teacher.network.outputs(for: inputs), try student.network.outputs(for: inputs))
    let view = try TwoLayerView(student.network)
    return (0..<view.nodeCount).map { k in
      (0..<inputs.rowCount).reduce(0) { largest, i in
        let z = dotProduct(view.row(k), inputs.row(i), from: view.row(k)[inputs.columnCount])
        let residual = zip(given.row(i), own.row(i)).map { $0 - $1 }
        return max(largest, abs(dotProduct(view.fanOut(k), residual)) * (z > 0 ? 1 : view.activation.negativeSlope))
      }
    }
  }

  /// A bound is a bound, and within what the affine part and kinks can be: no input has a larger gradient, and some have one of
  /// the order of the bound.
  @Test(arguments: [0, 0.2], [2, 5])
  func boundsEveryGradient(slope: Double, d: Int) throws {
    let teacher = Teacher(try Draw.network([d, 3, 4], key: 1, slope: slope))
    let student = Student(try Draw.network([d, 5, 4], key: 2, slope: slope))
    let exact = try RegionGradient(of: student, learning: teacher, within: .ball(radius: 2), residualTolerance: 1e-9)
    let sampled = try largestGradients(student, teacher, over: ball(4000, d, radius: 2))
    for (node, largest) in zip(exact.studentNodes, sampled) {
      #expect(largest <= node.gradientBound * (1 + 1e-12))
      #expect(largest > node.gradientBound / 40 && node.gradientBound <= node.kinkBound)
      #expect(node.isActive && node.largestKink > 0)
    }
    #expect(exact.teacherNodes.allSatisfy { !$0.isPredicted && $0.isHeld })
  }

  /// Students of zero loss: every gradient vanishes, and each teacher node that is observed has an aligned student node.
  @Test(arguments: [0, 0.2])
  func zeroLossIsFound(slope: Double) throws {
    let teacher = Teacher(try Draw.network([4, 3, 4], key: 1, slope: slope))
    let student = try Draw.copy(of: teacher.network, extra: 3)
    let exact = try RegionGradient(of: student, learning: teacher, within: .ball(radius: 3), residualTolerance: 1e-12)
    #expect(exact.studentNodes.allSatisfy { $0.gradientBound < 1e-12 })
    for (j, node) in exact.teacherNodes.enumerated() {
      #expect(node.isVisible && node.isPredicted && node.isHeld)
      #expect(node.aligned == [2 - j])
      #expect(slope > 0 || !node.observers.contains(2 - j), "on its own boundary a ReLU node is not active")
    }
  }

  /// A teacher node whose boundary misses the ball is linear there, and two opposite student nodes can be as linear: nothing is
  /// predicted of it. In a larger ball it is seen, and no gradient vanishes.
  @Test func invisibleNodesNeedNoStudent() throws {
    let teacher = Teacher(try Draw.twoLayers([[1, 0, 0.2], [0, 1, 5]], fanOuts: [[1], [1]]))
    // phi(z) - phi(-z) = z with the boundary x1 = -0.2, which is the other teacher node's: kinks of 1 + 0.5 - 0.5.
    let student = Student(try Draw.twoLayers([[1, 0, 0.2], [1, 1, 5], [-1, -1, -5]], fanOuts: [[1], [1], [-1]]))
    // x1 + x2 + 5 is not x2 + 5: the difference, x1, is linear as well.
    let small = try RegionGradient(of: student, learning: teacher, within: .ball(radius: 1), residualTolerance: 1e-12)
    #expect(small.studentNodes.map(\.isActive) == [true, true, false])
    #expect(small.studentNodes.allSatisfy { $0.largestKink < 1e-12 }, "kinks balance, the affine part does not")
    #expect(small.studentNodes[0].gradientBound > 0.5)
    #expect(!small.teacherNodes[1].isVisible && small.teacherNodes[1].observers.isEmpty)

    let right = Student(
      try Draw.twoLayers(
        [[1, 0, 0.2], [0, 2, 3], [0, -2, -3]], fanOuts: [[1], [0.5], [-0.5]], outputBiases: [3.5]))
    let zero = try RegionGradient(of: right, learning: teacher, within: .ball(radius: 1), residualTolerance: 1e-12)
    #expect(zero.studentNodes.allSatisfy { $0.gradientBound < 1e-12 })
    #expect(zero.teacherNodes[0].isPredicted && zero.teacherNodes[0].aligned == [0])
    #expect(!zero.teacherNodes[1].isPredicted && zero.teacherNodes[1].isHeld)
    let large = try RegionGradient(of: right, learning: teacher, within: .ball(radius: 8), residualTolerance: 1e-12)
    #expect(large.teacherNodes[1].isVisible && !large.teacherNodes[1].isPredicted)
    #expect(large.studentNodes[0].largestKink > 0.5)
  }

  /// The gradient of one node vanishes where its fan-out is perpendicular to what is wrong.
  @Test func oneNodesGradientCanVanish() throws {
    let teacher = Teacher(try Draw.twoLayers([[1, 0, 0.2], [0, 1, 0.1]], fanOuts: [[1, 0], [0, 1]]))
    let student = Student(try Draw.twoLayers([[2, 0, 0.4], [1, 1, 0]], fanOuts: [[0.5, 0], [0, 1]]))
    let exact = try RegionGradient(of: student, learning: teacher, within: .ball(radius: 2), residualTolerance: 1e-12)
    #expect(exact.studentNodes[0].gradientBound < 1e-12 && exact.studentNodes[1].gradientBound > 0.1)
    // Node 1 of the teacher is right; node 0 of the student observes both, and its alpha with node 2 is 0.
    #expect(exact.teacherNodes[1].observers == [1] && !exact.teacherNodes[1].isPredicted)
    #expect(exact.teacherNodes[0].aligned == [0])
  }

  /// Two student nodes straddle each teacher node's boundary, a hundredth apart, with half of its fan-out each: kinks one by one are
  /// as large as the teacher's, together they nearly cancel, and the bound knows it.
  @Test(arguments: [0, 0.2], [InputRegion.ball(radius: 2), .box(lowest: -1, highest: 1.5)])
  func neighboursCancel(slope: Double, region: InputRegion) throws {
    let teacher = try Draw.network([4, 3, 2], key: 1, slope: slope)
    var (rows, fanOuts) = ([[Double]](), [[Double]]())
    for j in 0..<3 {
      let (row, fanOut) = (teacher.layers[0].row(j), teacher.layers[1].weights.column(j))
      for side in [0.005, -0.005] {
        rows.append(row.dropLast() + [row[4] + side * euclideanNorm(row.dropLast())])
        fanOuts.append(fanOut.map { $0 / 2 })
      }
    }
    func student(turning turned: Int?) throws -> Student {
      let turnedRows = rows.enumerated().map { k, row in k == turned ? row.map { -$0 } : row }
      return Student(
        try Draw.twoLayers(turnedRows, fanOuts: fanOuts, outputBiases: teacher.layers[1].biases, slope: slope))
    }
    let inputs = region.evenInputs(4000, featureCount: 4, key: 5)
    // With one node that points the other way the affine part is wrong, which no bound may hide.
    for turned in [nil, 1, 4] as [Int?] {
      let student = try student(turning: turned)
      let exact = try RegionGradient(of: student, learning: Teacher(teacher), within: region, residualTolerance: 1e-9)
      let sampled = try largestGradients(student, Teacher(teacher), over: inputs)
      for (k, node) in exact.studentNodes.enumerated() {
        #expect(sampled[k] <= node.gradientBound * (1 + 1e-12))
        if turned == nil {
          #expect(node.gradientBound < 0.06 && node.kinkBound > 20 * node.gradientBound)
        }
      }
      #expect(exact.teacherNodes.allSatisfy { !$0.isPredicted }, "each kink by itself is large")
    }
  }

  @Test func refusals() throws {
    let (two, deep) = (try Draw.network([5, 3, 4], key: 1), try Draw.network([5, 3, 3, 4], key: 1))
    #expect(throws: ShapeError.self) {
      try RegionGradient(of: Student(deep), learning: Teacher(deep), within: .ball(radius: 1), residualTolerance: 0)
    }
    #expect(throws: ShapeError.self) {
      try RegionGradient(of: Student(two), learning: Teacher(deep), within: .ball(radius: 1), residualTolerance: 0)
    }
  }
}
