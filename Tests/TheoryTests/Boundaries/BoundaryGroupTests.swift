import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

private func layer(_ rows: [[Double]], _ biases: [Double]) -> Boundaries {
  Boundaries(of: NetworkLayer(weights: Matrix(rows), biases: biases))
}

@Suite("Boundary groups") struct BoundaryGroupTests {
  @Test("scaled, flipped and shifted copies are where they belong")
  func copies() {
    let teacher = layer([[3, 4], [1, 0], [0, 0]], [5, 0, 1])
    let student = layer(
      [[-0.3, -0.4], [0, 1], [6, 8], [0, 0], [0, -2], [1, 0]], [-0.5, 0.5, 10, 0, -1, 0.001])
    let groups = BoundaryGroups(teacher: teacher, student: student, tolerance: 1e-9)
    #expect(
      groups.groups == [
        BoundaryGroup(
          teacherNodes: [.init(node: 0, isOpposite: false)],
          studentNodes: [.init(node: 0, isOpposite: true), .init(node: 2, isOpposite: false)]),
        BoundaryGroup(teacherNodes: [.init(node: 1, isOpposite: false)], studentNodes: []),
        BoundaryGroup(
          teacherNodes: [], studentNodes: [.init(node: 1, isOpposite: false), .init(node: 4, isOpposite: true)]),
        BoundaryGroup(teacherNodes: [], studentNodes: [.init(node: 5, isOpposite: false)]),
      ])
    #expect(groups.teacherNodesWithoutBoundary == [2])
    #expect(groups.studentNodesWithoutBoundary == [3])
    #expect(groups.group(ofStudentNode: 4) == 2)
    #expect(groups.group(ofStudentNode: 3) == nil)

    let wider = BoundaryGroups(teacher: teacher, student: student, tolerance: 0.01)
    #expect(wider.groups[1].studentNodes == [.init(node: 5, isOpposite: false)])
    // In units of a ten thousandth an offset of 0.001 is far.
    let strict = BoundaryGroups(teacher: teacher, student: student, tolerance: 0.01, spread: 1e-4)
    #expect(strict.groups == groups.groups)
  }

  @Test("a chain of neighbours is one group, and orientation follows the chain")
  func chain() {
    // Directions 0, 20, ..., 180 degrees: neighbours are sin(20) = 0.34 apart, and the last has turned round.
    let angles = (0...9).map { Double($0) * Double.pi / 9 }
    let rows = angles.map { [cosine($0), cosine($0 - Double.pi / 2)] }
    let groups = BoundaryGroups(
      teacher: nil, student: layer(rows, [Double](repeating: 0, count: 10)), tolerance: 0.35)
    #expect(groups.groups.count == 1)
    let opposites = groups.groups[0].studentNodes.filter(\.isOpposite)
    // The first and the last share a boundary exactly, the other way round; that join comes first.
    #expect(opposites.map(\.node).contains(9))
    #expect(BoundaryGroups(teacher: nil, student: layer(rows, angles), tolerance: 0.1).groups.count == 10)
  }

  @Test("the tree of more pairs than are held at a time is that of all of them")
  func manyPairs() {
    // On a line all boundaries are parallel: 1.3 million pairs, many of them equal.
    let count = 1600
    var stream = RandomStream(key: 5, purpose: .test)
    let offsets = stream.integers(count, below: 997).map { Double($0) / 997 }
    let signs = stream.integers(count, below: 2).map { $0 == 0 ? 1.0 : -1 }
    let boundaries = layer(signs.map { [$0] }, zip(signs, offsets).map(*))
    let linkage = BoundaryLinkage((0..<count).map { (boundaries, $0) }, maximumEpsilon: 1)
    // Neighbours in order of their offsets join, nearest first.
    let sorted = offsets.sorted()
    let gaps = zip(sorted, sorted.dropFirst()).map { $1 - $0 }.sorted()
    #expect(linkage.joins.count == count - 1 && linkage.roots.count == 1)
    #expect(zip(linkage.joins, gaps).allSatisfy { abs($0.epsilon - $1) < 1e-15 })
    #expect(zip(linkage.joins, linkage.joins.dropFirst()).allSatisfy { $0.epsilon <= $1.epsilon })
    let first = linkage.isOpposite[0]
    #expect((0..<count).allSatisfy { (linkage.isOpposite[$0] == first) == (signs[$0] == signs[0]) })
  }

  /// Without the C library: the series, to rounding for |x| <= 4.
  private func cosine(_ x: Double) -> Double {
    var (sum, term) = (0.0, 1.0)
    for i in 1...30 {
      sum += term
      term *= -x * x / Double((2 * i - 1) * (2 * i))
    }
    return sum
  }
}

@Suite("Kink balance") struct KinkBalanceTests {
  /// Two networks that share some boundaries: the student has the teacher's first nodes, one scaled, one flipped.
  private func pair(hidden: [Int], slope: Double, key: UInt64) throws -> (Teacher, Student) {
    var stream = RandomStream(key: key, purpose: .test)
    func draw(_ widths: [Int]) throws -> Network {
      try Network(
        layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
          NetworkLayer(
            weights: stream.normalMatrix(rowCount: nodes, columnCount: inputs, standardDeviation: 1),
            biases: stream.normals(nodes, standardDeviation: 0.3))
        }, activation: Activation(negativeSlope: slope))
    }
    let teacher = try draw([4, 3] + hidden + [2])
    var student = try draw([4, 6] + hidden + [2])
    for (k, (j, factor)) in [(0, 1.0), (0, 2.5), (1, -0.7)].enumerated() {
      for f in 0..<4 { student[layer: 0].weights[k, f] = factor * teacher.layers[0].weights[j, f] }
      student[layer: 0].biases?[k] = factor * (teacher.layers[0].biases?[j] ?? 0)
    }
    return (Teacher(teacher), Student(student))
  }

  @Test(
    "equals the jump of the gradient of f* - f across the boundary",
    arguments: [(0.0, 0), (0.1, 0), (0, 1), (0.3, 2)])
  func jump(slope: Double, extraLayers: Int) throws {
    let (teacher, student) = try pair(
      hidden: [Int](repeating: 5, count: extraLayers), slope: slope, key: UInt64(5 + extraLayers))
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: 1e-9)
    #expect(groups.groups.count == 6)
    let sides = (Boundaries(of: teacher.network.layers[0]), Boundaries(of: student.network.layers[0]))
    var stream = RandomStream(key: 9, purpose: .test)
    var checked = 0
    for (index, group) in groups.groups.enumerated() {
      let (boundaries, node) =
        group.teacherNodes.first.map { (sides.0, $0.node) } ?? (sides.1, group.studentNodes[0].node)
      let normal = Array(boundaries.directions.row(node))
      for _ in 0..<5 {
        var x = stream.normals(4, standardDeviation: 1)
        let distance = zip(x, normal).reduce(boundaries.offsets[node]) { $0 + $1.0 * $1.1 }
        for f in 0..<4 { x[f] -= distance * normal[f] }
        // f* - f at -2, -1, 0, 1, 2 steps along the normal. Linear on either side, or else another kink is near.
        let step = 1e-3
        let points = Matrix((-2...2).map { i in (0..<4).map { x[$0] + Double(i) * step * normal[$0] } })
        let (wanted, got) = (try teacher.network.outputs(for: points), try student.network.outputs(for: points))
        func value(_ i: Int, _ c: Int) -> Double { wanted[i + 2, c] - got[i + 2, c] }
        let isClear = (0..<2).allSatisfy { c in
          abs(value(2, c) - 2 * value(1, c) + value(0, c)) < 1e-12
            && abs(value(-2, c) - 2 * value(-1, c) + value(0, c)) < 1e-12
        }
        guard isClear else { continue }
        checked += 1
        let jump = (0..<2).map { (value(1, $0) - 2 * value(0, $0) + value(-1, $0)) / step / (1 - slope) }
        let balance = try KinkBalance(of: student, against: teacher, groups: groups, over: Matrix([x]))
        // Values of size 10 over steps of 1e-3: rounding of about 1e-12, a hundredfold margin.
        #expect(abs(balance.norms[index] - euclideanNorm(jump)) < 1e-10)
        if extraLayers == 0 {
          let jumps = try #require(balance.jumps)
          for c in 0..<2 { #expect(abs(jumps[index, c] - jump[c]) < 1e-10) }
        }
      }
    }
    #expect(checked >= 12, "only \(checked) points were clear of other boundaries")
  }

  @Test("is 0 where students carry the teacher's kink, whatever their number, scale and orientation")
  func balanced() throws {
    let teacher = Teacher(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[3, 4], [1, 0]]), biases: [1, 0]),
          NetworkLayer(weights: Matrix([[2, 1], [1, -1]]), biases: [0, 0]),
        ], activation: .relu))
    let student = Student(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[6, 8], [-3, -4], [0, 2], [0, 0]]), biases: [2, -1, 0, 1]),
          // 2 * 0.5 + 1 * 1 = 2 and 2 * 0.25 + 0.5 = 1.
          NetworkLayer(weights: Matrix([[0.5, 1, 3, 7], [0.25, 0.5, 4, 7]]), biases: [0, 0]),
        ], activation: .relu))
    let balance = try KinkBalance(of: student, against: teacher, tolerance: 1e-9)
    #expect(abs(balance.teacherNorms[0] - 5 * 5.0.squareRoot()) < 1e-14)
    #expect(abs(balance.studentNorms[0] - 5 * 5.0.squareRoot()) < 1e-14)
    #expect(balance.norms[0] < 1e-14)
    #expect(abs(balance.norms[1] - 2.0.squareRoot()) < 1e-15 && balance.studentNorms[1] == 0)
    // The node without a boundary has no kink; the stray one keeps its own.
    #expect(balance.studentNodeNorms[3] == 0)
    #expect(abs(balance.studentNodeNorms[2] - 10) < 1e-14)
  }

  @Test(
    "fan-outs of any size: norms are theirs, not those of squares that overflow or vanish",
    arguments: [1e-200, 1e-160, 1e160, 1e290])
  func balanceOfAnySize(size: Double) throws {
    let (teacher, student) = try pair(hidden: [5], slope: 0, key: 6)
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: 1e-9)
    var stream = RandomStream(key: 10, purpose: .test)
    let x = stream.normalMatrix(rowCount: 7, columnCount: 4, standardDeviation: 1)
    let (large, plain) = (
      try KinkBalance(
        of: Student(student.network.scaled(inputs: 1, outputs: size)),
        against: Teacher(teacher.network.scaled(inputs: 1, outputs: size)), groups: groups, over: x),
      try KinkBalance(of: student, against: teacher, groups: groups, over: x)
    )
    for (a, b) in zip(large.teacherNorms + large.studentNorms, plain.teacherNorms + plain.studentNorms) {
      #expect(abs(a / size - b) <= 1e-13 * b)
    }
  }

  @Test("above two layers it is the root mean square over the inputs, and needs them")
  func deepMean() throws {
    let (teacher, student) = try pair(hidden: [5], slope: 0, key: 6)
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: 1e-9)
    var stream = RandomStream(key: 10, purpose: .test)
    let x = stream.normalMatrix(rowCount: 70, columnCount: 4, standardDeviation: 1)
    let whole = try KinkBalance(of: student, against: teacher, groups: groups, over: x)
    var squares = [Double](repeating: 0, count: groups.groups.count)
    for i in 0..<70 {
      let one = try KinkBalance(of: student, against: teacher, groups: groups, over: Matrix([Array(x.row(i))]))
      for (g, norm) in one.norms.enumerated() { squares[g] += norm * norm / 70 }
    }
    for (g, square) in squares.enumerated() { #expect(abs(whole.norms[g] - square.squareRoot()) < 1e-12) }
    #expect(throws: ShapeError.self) { try KinkBalance(of: student, against: teacher, groups: groups) }
  }
}
