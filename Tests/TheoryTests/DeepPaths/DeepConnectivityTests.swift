import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Paths between deep students") struct DeepConnectivityTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var widths: [Int]
    var slope = 0.0
    var key: UInt64 = 1
    var testDescription: String { "\(widths), slope \(slope), key \(key)" }

    static let all = [
      Case(widths: [3, 3]), Case(widths: [3, 3], key: 2), Case(widths: [4, 3, 3], slope: 0.1),
      Case(widths: [2, 3, 2, 3], key: 3),
    ]
  }

  private let x = Draw.inputs(700, 5)

  /// A student of loss 0 with at least twice the teacher's nodes in every layer.
  private func student(_ test: Case, _ teacher: Teacher, key: UInt64, more: Int = 0) -> Student {
    var planting = DeepPlanting(teacher, key: key)
    for layer in test.widths.indices {
      planting.split(0, in: layer)
      planting.split(1, in: layer)
      planting.addUnused(in: layer)
      planting.addZeroSum(in: layer)
      for _ in 0..<more { planting.addUnused(in: layer) }
    }
    planting.scramble()
    return Student(planting.network)
  }

  private func teacher(_ test: Case) throws -> Teacher {
    try deepTeacher(test.widths, c: 4, slope: test.slope, over: x, key: test.key)
  }

  /// The loss at every point is rounding: outputs of size 1 to 10 with relative errors of 1e-14, squared, are below 1e-24; refits
  /// and merging leave 1e-10 of a layer's pre-activations at most.
  @Test("have the loss of their ends at every point", arguments: Case.all)
  func exact(test: Case) throws {
    let teacher = try teacher(test)
    let targets = try teacher.network.outputs(for: x)
    let (a, b) = (student(test, teacher, key: 10 + test.key), student(test, teacher, key: 20 + test.key))
    let path = try deepPath(from: a, to: b, over: x, targets: targets)
    #expect(path.obstacle == nil && path.shortage == nil, "\(path.obstacle ?? path.shortage ?? "")")
    #expect(path.segments.first?.from == a.network && path.segments.last?.to == b.network)
    for (segment, next) in zip(path.segments, path.segments.dropFirst()) { #expect(segment.to == next.from) }
    for segment in path.segments {
      #expect(segment.from != segment.to && !segment.what.isEmpty)
      let worst = try losses(along: segment, pointCount: 9, over: x, targets: targets).max() ?? 1
      #expect(worst < 1e-18, "\(segment.what)")
    }
    // The straight line is none.
    let straight = try losses(along: try straightLine(from: a, to: b), pointCount: 9, over: x, targets: targets)
    #expect(straight[0] < 1e-20 && straight[8] < 1e-20 && straight.max() ?? 0 > 1e-3)
  }

  @Test("between students of different widths, and back", arguments: Case.all.prefix(2))
  func differentWidths(test: Case) throws {
    let teacher = try teacher(test)
    let targets = try teacher.network.outputs(for: x)
    let (a, b) = (student(test, teacher, key: 31), student(test, teacher, key: 32, more: 3))
    for (from, to) in [(a, b), (b, a)] {
      let paths = try SolutionPaths(from: from, to: to, learning: teacher, over: x, targets: targets, pointCount: 5)
      #expect(paths.path.obstacle == nil)
      #expect(paths.constructed.allSatisfy { $0.allSatisfy { $0 < 1e-18 } })
      #expect(paths.path.segments.first?.from.hiddenCounts == b.network.hiddenCounts)
      // The narrower one with nodes that do nothing: the same function.
      let start = try #require(paths.path.segments.first?.from)
      #expect(largestDifference(try start.outputs(for: x), try from.network.outputs(for: x)) < 1e-12)
      #expect(paths.straight.count == 5 && paths.matched.count == 5)
    }
  }

  @Test("say how many nodes are missing, and in which layer")
  func obstacle() throws {
    let test = Case(widths: [3, 3])
    let teacher = try teacher(test)
    let (a, b) = (teacher.network, teacher.network.keeping([2, 0, 1], of: 1))
    let targets = try teacher.network.outputs(for: x)
    let path = try deepPath(from: Student(a), to: Student(b), over: x, targets: targets)
    // There is one over networks of one node in every layer, which costs much.
    #expect(path.obstacle == nil)
    let shortage = try #require(path.shortage)
    #expect(shortage.contains("hidden layer 1 (lowest) has 3 nodes") && shortage.contains("hidden layer 2"))
    #expect(shortage.contains("3 more are enough"))
    let worst = try path.segments.map { try losses(along: $0, pointCount: 5, over: x, targets: targets).max() ?? 0 }
    #expect(worst.max() ?? 0 > 1e-3)
    // With as many more as it says there is one without loss.
    let (wideA, wideB) = (Student(a.widened(to: [6, 6])), Student(b.widened(to: [6, 6])))
    let wide = try deepPath(from: wideA, to: wideB, over: x, targets: targets)
    #expect(wide.obstacle == nil && wide.shortage == nil)
    for segment in wide.segments {
      #expect(try losses(along: segment, pointCount: 5, over: x, targets: targets).allSatisfy { $0 < 1e-20 })
    }
    let same = try deepPath(from: wideA, to: wideA, over: x, targets: targets)
    #expect(same.segments.count == 1 && same.obstacle == nil)
  }

  /// A node of next to no weights and a bias is scaled by its activations: by its weights it would be a million million times
  /// larger, and so would the loss between.
  @Test("scales of matched nodes are those of their activations where weights have none")
  func scales() throws {
    let teacher = try deepTeacher([3], c: 4, slope: 0, over: x, key: 3)
    var b = teacher.network.widened(to: [4])
    var a = b
    for f in 0..<5 {
      a[layer: 0].weights[3, f] = 0.4
      b[layer: 0].weights[3, f] = 1e-13
    }
    a[layer: 0].biases?[3] = 0.1
    b[layer: 0].biases?[3] = 1
    let found = try StudentMatching(of: Student(b), to: Student(a), over: x)
    #expect(found.layers[0].nodes == [0, 1, 2, 3] && found.layers[0].scales.prefix(3) == [1, 1, 1])
    #expect((0.1...10).contains(found.layers[0].scales[3]))
  }

  /// B has a node of next to no weights, and above it one that takes only this and so is constant. Both are scaled by their weights' length
  /// 4e10 times, the upper one with its bias: half way it would meet the fan-out of A's silent node, with a loss of 1e20.
  @Test("scales balance weights, biases and fan-outs where weights are next to none")
  func balancedScales() throws {
    let teacher = try deepTeacher([3, 3], c: 4, slope: 0, over: x, key: 3)
    let targets = try teacher.network.outputs(for: x)
    var (a, b) = (teacher.network.widened(to: [4, 4]), teacher.network.widened(to: [4, 4]))
    for column in 0..<5 { (a[layer: 0].weights[3, column], b[layer: 0].weights[3, column]) = (0.4, 1e-11) }
    a[layer: 0].biases?[3] = 0.1
    b[layer: 0].biases?[3] = 1e-11
    for column in 0..<4 { a[layer: 1].weights[3, column] = -0.5 }
    b[layer: 1].weights[3, 3] = 1
    a[layer: 1].biases?[3] = -0.1
    b[layer: 1].biases?[3] = 1
    for c in 0..<4 {
      (a[layer: 2].weights[c, 3], b[layer: 2].weights[c, 3]) = (1, 1)
      b[layer: 2].biases?[c] -= 1
    }
    let found = try StudentMatching(of: Student(b), to: Student(a), over: x)
    #expect(found.layers.allSatisfy { $0.nodes == [0, 1, 2, 3] })
    let line = try straightLine(from: Student(a), to: found.student)
    let along = try losses(along: line, pointCount: 9, over: x, targets: targets)
    #expect(along[0] < 1e-20 && along[8] < 1e-18)
    #expect(along.max() ?? 1 < 10)
  }

  /// A deep student in another order and scale is matched back, layer by layer.
  @Test("matching finds order and scale of every layer", arguments: Case.all)
  func matching(test: Case) throws {
    let teacher = try teacher(test)
    var planting = DeepPlanting(teacher, key: 5)
    planting.scramble()
    let b = Student(planting.network)
    let found = try StudentMatching(of: b, to: Student(teacher.network), over: x)
    #expect(found.layers.count == test.widths.count && found.layers.map { Set($0.nodes).count } == test.widths)
    #expect(try weightChanges(from: found.student.network, to: teacher.network).allSatisfy { $0 < 1e-12 })
    let targets = try teacher.network.outputs(for: x)
    let line = try straightLine(from: Student(teacher.network), to: found.student)
    #expect(try losses(along: line, pointCount: 5, over: x, targets: targets).allSatisfy { $0 < 1e-22 })
    #expect(largestDifference(try found.student.network.outputs(for: x), targets) < 1e-11)
    // What a node adds to the outputs, sample by sample, from the outputs' differences by its activation.
    let sample = 3
    let costs = try StudentMatching(
      of: b, to: Student(teacher.network), over: Matrix([Array(x.row(sample))])
    ).layers[0].costs
    func added(_ network: Network, _ k: Int) throws -> [Double] {
      let z = network.preactivations(of: x.transposedBlock(first: sample, count: 8))[0][k, 0]
      var without = network
      let column = network.layers[1].weights.column(k)
      let step = 1e-6
      for u in column.indices { without[layer: 1].weights[u, k] *= 1 - step }
      let row = Matrix([Array(x.row(sample))])
      let (full, less) = (try network.outputs(for: row), try without.outputs(for: row))
      #expect(z.isFinite)
      return zip(full.values, less.values).map { ($0 - $1) / step }
    }
    for k in 0..<test.widths[0] {
      for l in 0..<test.widths[0] {
        let expected = zip(try added(teacher.network, k), try added(b.network, l)).reduce(0) { sum, pair in
          sum + (pair.0 - pair.1) * (pair.0 - pair.1)
        }
        #expect(abs(costs[k, l] - expected) < 1e-5 * max(1, expected))
      }
    }
  }

  @Test("normalised students, and other shapes, are refused")
  func refusals() throws {
    let test = Case(widths: [3, 3])
    let teacher = try teacher(test)
    var design = StudentDesign(hiddenCounts: [6, 6], scale: 1, initialization: .uniform)
    design.normalization = .afterActivation
    let normalised = try design.draw(for: teacher, key: 1)
    let targets = try teacher.network.outputs(for: x)
    #expect(throws: ShapeError.self) { try deepPath(from: normalised, to: normalised, over: x, targets: targets) }
    #expect(throws: ShapeError.self) {
      try straightLine(from: Student(teacher.network), to: Student(teacher.network.widened(to: [3, 4])))
    }
  }
}
