import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

extension MergedStudent.Fate {
  fileprivate var unit: Int? {
    switch self {
    case .carries(let unit), .merged(let unit): unit
    case .removed: nil
    }
  }
}

@Suite("Merging") struct MergingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var d: Int
    var m: Int
    var c: Int
    var slope = 0.0
    var hiddenBiases = true
    var outputBiases = true
    var key: UInt64 = 1

    var testDescription: String {
      "d \(d), m \(m), C \(c), slope \(slope), biases \(hiddenBiases) \(outputBiases), key \(key)"
    }

    func teacher() throws -> Teacher {
      try plantedTeacher(
        d: d, m: m, c: c, slope: slope, hiddenBiases: hiddenBiases, outputBiases: outputBiases, key: key)
    }
  }

  static let cases: [Case] = [
    Case(d: 5, m: 4, c: 3), Case(d: 5, m: 4, c: 3, slope: 0.2), Case(d: 2, m: 3, c: 2), Case(d: 20, m: 8, c: 5),
    Case(d: 20, m: 10, c: 1, slope: 0.1), Case(d: 4, m: 3, c: 3, hiddenBiases: false, outputBiases: false),
    Case(d: 6, m: 5, c: 2, slope: 0.3, hiddenBiases: false, outputBiases: false),
    Case(d: 6, m: 5, c: 2, hiddenBiases: true, outputBiases: false), Case(d: 1, m: 3, c: 2),
  ]

  /// The merged student is the teacher: its size, its outputs and its weights.
  private func check(_ planted: PlantedStudent, isMergedTo teacher: Teacher, key: UInt64) throws {
    let student = try planted.student()
    let x = Draw.inputs(500, teacher.network.inputCount, key: key)
    let targets = try teacher.network.outputs(for: x)
    let scale = targets.values.reduce(1) { max($0, abs($1)) }
    // The planting is right: sums of up to 40 terms of size 10.
    #expect(largestDifference(try student.network.outputs(for: x), targets) < 1e-12 * scale)
    let merged = try merge(student, over: x, targets: targets)
    #expect(merged.unitCount == teacher.network.hiddenCounts[0])
    #expect(merged.student.network.hiddenCounts[0] == merged.unitCount)
    let outputs = try merged.student.network.outputs(for: x)
    #expect(largestDifference(outputs, targets) < 1e-12 * scale)
    #expect(merged.largestChange == largestDifference(outputs, try student.network.outputs(for: x)))
    #expect(merged.largestChange <= merged.allowedChange)
    let error = try #require(weightError(of: merged.student.network, against: teacher.network))
    // A unit's weights are sums of a few numbers of size up to 10; sums of kinks that cancel lose one more digit.
    #expect(error < 1e-12, "\(error)")
    try checkFates(of: student, in: merged)
  }

  /// The kink of a unit is the sum of those of the nodes that went into it, and no two nodes carry one.
  private func checkFates(of student: Student, in merged: MergedStudent) throws {
    func kinks(_ network: Network) -> [[Double]] {
      (0..<network.hiddenCounts[0]).map { k in
        let norm = euclideanNorm(network.layers[0].weights.row(k))
        return network.layers[1].weights.column(k).map { $0 * norm }
      }
    }
    let (nodes, units) = (kinks(student.network), kinks(merged.student.network))
    #expect(merged.fates.count == nodes.count)
    for (unit, kink) in units.enumerated() {
      let parts = merged.fates.indices.filter { merged.fates[$0].unit == unit }
      #expect(merged.fates.count { $0 == .carries(unit: unit) } <= 1 && !parts.isEmpty)
      for (c, value) in kink.enumerated() {
        // Sums of up to ten terms of size up to 100.
        #expect(abs(parts.reduce(0) { $0 + nodes[$1][c] } - value) < 1e-10, "unit \(unit), nodes \(parts)")
      }
    }
  }

  @Test("reads a permuted, rescaled, split teacher with dead and zero-sum extras back", arguments: cases)
  func sameOrientation(_ size: Case) throws {
    for key in 1...4 as ClosedRange<UInt64> {
      let teacher = try size.teacher()
      var planted = PlantedStudent(teacher, key: key)
      for k in 0..<size.m { planted.rescale(k) }
      planted.split(0)
      planted.split(size.m - 1)
      planted.split(0)
      planted.addWithoutFanOut()
      if size.outputBiases || !size.hiddenBiases { planted.addWithoutBoundary() }
      planted.addZeroSum()
      planted.addZeroSum()
      planted.shuffle()
      try check(planted, isMergedTo: teacher, key: key)
    }
  }

  @Test("turns flipped nodes back whose linear remainder others carry", arguments: cases)
  func flipped(_ size: Case) throws {
    for key in 1...4 as ClosedRange<UInt64> {
      let teacher = try size.teacher()
      var planted = PlantedStudent(teacher, key: key)
      planted.split(1)
      for k in 0..<(size.m + 1) / 2 { planted.flip(k) }
      planted.rescale(0)
      planted.addWithoutFanOut()
      planted.addZeroSum()
      planted.shuffle()
      // With one feature all directions are parallel, and with few equations turns may cancel in several ways: the size
      // is the teacher's all the same, but not the weights.
      if size.d == 1 {
        let x = Draw.inputs(500, 1, key: key)
        let merged = try merge(try planted.student(), over: x)
        #expect(merged.unitCount == size.m)
      } else {
        try check(planted, isMergedTo: teacher, key: key)
      }
    }
  }

  @Test("a subset sum of turns is found with one output and more nodes than features")
  func subsetSum() throws {
    for key in 1...5 as ClosedRange<UInt64> {
      let teacher = try plantedTeacher(d: 3, m: 9, c: 1, key: key)
      var planted = PlantedStudent(teacher, key: key)
      for k in [0, 3, 4, 8] { planted.flip(k) }
      planted.shuffle()
      try check(planted, isMergedTo: teacher, key: key)
    }
  }

  @Test("keeps a second unit where a linear remainder is left")
  func remainderIsKept() throws {
    // phi(a) + phi(-a) = |a| on one boundary and phi(b) on another: no turn makes |a| one unit.
    let student = Student(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[1, 0], [-2, 0], [0, 1]]), biases: [0.1, -0.2, 0]),
          NetworkLayer(weights: Matrix([[1, 0.5, 1]]), biases: [0]),
        ], activation: .relu))
    let merged = try merge(student, over: Draw.inputs(300, 2))
    #expect(merged.unitCount == 3)
    #expect(merged.largestChange < 1e-12)
    #expect(merged.fates == [.carries(unit: 0), .carries(unit: 1), .carries(unit: 2)])
  }

  @Test("keeps linear remainders on near boundaries without kinks apart")
  func nearRemainders() throws {
    // Two pairs add different linear maps on directions 0.2 apart, within the reach of joins; together they have rank two.
    let teacher = try plantedTeacher(d: 4, m: 3, c: 2, hiddenBiases: false, outputBiases: false, key: 2).network
    var rows = (0..<3).map { Array(teacher.layers[0].weights.row($0)) }
    var fanOuts = (0..<3).map { teacher.layers[1].weights.column($0) }
    for (row, fanOut) in [([1.0, 0, 0, 0], [1.0, 2]), ([1, 0.2, 0, 0], [-1, 0.5])] {
      rows += [row, row.map { -$0 }]
      fanOuts += [fanOut, fanOut.map { -$0 }]
    }
    let student = Student(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix(rows), biases: nil),
          NetworkLayer(weights: Matrix(fanOuts).transposed, biases: nil),
        ], activation: .relu))
    let merged = try merge(student, over: Draw.inputs(300, 4))
    #expect(merged.unitCount == 7)
    #expect(merged.largestChange < 1e-12)
  }

  @Test("without output biases a constant keeps a unit of its own")
  func constantIsKept() throws {
    let teacher = try plantedTeacher(d: 4, m: 3, c: 2, outputBiases: false, key: 3)
    var planted = PlantedStudent(teacher, key: 4)
    planted.addWithoutBoundary()
    planted.addWithoutBoundary()
    let student = try planted.student()
    let x = Draw.inputs(300, 4)
    let merged = try merge(student, over: x)
    #expect(merged.unitCount == 4)
    #expect(merged.fates.suffix(2) == [.carries(unit: 3), .merged(into: 3)])
    #expect(merged.largestChange < 1e-12)
    #expect(weightError(of: merged.student.network, against: teacher.network) == nil)
  }

  @Test("joins two students that straddle a boundary with no sample between them")
  func straddling() throws {
    let teacher = try plantedTeacher(d: 3, m: 3, c: 2, key: 5)
    let x = Draw.inputs(60, 3)
    let targets = try teacher.network.outputs(for: x)
    // Node 0 becomes two nodes whose offsets differ by 2e-3 and whose fan-outs are parallel: v (a + h) / 2 + v (a - h) / 2.
    var network = teacher.network
    let step = 1e-3
    let first = network.layers[0]
    let a = (0..<60).map { i in zip(x.row(i), first.weights.row(0)).reduce(first.biases?[0] ?? 0) { $0 + $1.0 * $1.1 } }
    try #require(a.allSatisfy { abs($0) > 2 * step })
    network = network.keeping([0, 1, 2, 0], of: 0)
    network[layer: 0].biases?[0] += step
    network[layer: 0].biases?[3] -= step
    for c in 0..<2 {
      for k in [0, 3] { network[layer: 1].weights[c, k] /= 2 }
    }
    let merged = try merge(Student(network), over: x, targets: targets)
    #expect(merged.unitCount == 3)
    // The offsets differ by 2e-3, in units of a spread of about 1.5.
    #expect(merged.layers[0].tolerance > 1e-3 && merged.layers[0].tolerance < 2e-3)
    let error = try #require(weightError(of: merged.student.network, against: teacher.network))
    #expect(error < 1e-12)
  }

  @Test("leaves distinct boundaries apart, and nodes that no input reaches out")
  func distinct() throws {
    let teacher = try plantedTeacher(d: 4, m: 6, c: 3, key: 6)
    let x = Draw.inputs(400, 4)
    let same = try merge(Student(teacher.network), over: x)
    #expect(same.unitCount == 6 && same.layers[0].tolerance == 0 && same.largestChange < 1e-13)
    var network = teacher.network
    network[layer: 0].biases?[2] = -100
    let reached = try merge(Student(network), over: x)
    #expect(reached.unitCount == 5 && reached.fates[2] == .removed)
    // Everywhere active: affine on the inputs, but that has to be carried by something.
    network[layer: 0].biases?[2] = 100
    let affine = try merge(Student(network), over: x)
    #expect(affine.unitCount == 6 && affine.largestChange < 1e-12 * 100)
  }

  @Test("a student that is constant keeps an idle node and no unit")
  func constant() throws {
    let student = Student(
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[1, 0], [0, 0]]), biases: [-50, 2]),
          NetworkLayer(weights: Matrix([[1, 3]]), biases: [1]),
        ], activation: .relu))
    let merged = try merge(student, over: Draw.inputs(50, 2))
    #expect(merged.unitCount == 0)
    #expect(merged.student.network.hiddenCounts == [1])
    #expect(merged.fates == [.removed, .removed])
    #expect(try merged.student.network.outputs(for: Draw.inputs(1, 2)).values == [7])
  }

  @Test("refuses what it cannot merge, and says why")
  func refusals() throws {
    let teacher = try plantedTeacher(d: 4, m: 3, c: 2, slope: 1, key: 3)
    #expect { try merge(Student(teacher.network), over: Draw.inputs(5, 4)) } throws: { "\($0)".contains("linear") }
    var network = try plantedTeacher(d: 4, m: 3, c: 2, key: 3).network
    #expect(throws: ShapeError.self) { try merge(Student(network), over: Draw.inputs(5, 3)) }
    network[layer: 0].weights[0, 0] = .infinity
    #expect { try merge(Student(network), over: Draw.inputs(5, 4)) } throws: { "\($0)".contains("not finite") }
  }

  @Test("weight errors do not see order and scale, and see the rest")
  func weightErrors() throws {
    let teacher = try plantedTeacher(d: 4, m: 5, c: 2, key: 8)
    var planted = PlantedStudent(teacher, key: 9)
    for k in 0..<5 { planted.rescale(k) }
    planted.shuffle()
    var network = try planted.student().network
    #expect(try #require(weightError(of: network, against: teacher.network)) < 1e-14)
    network[layer: 1].biases?[1] += 1e-3
    #expect(abs(try #require(weightError(of: network, against: teacher.network)) - 1e-3) < 1e-14)
  }
}
