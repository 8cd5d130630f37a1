import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Connectivity") struct ConnectivityTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var d = 5
    var m: Int
    var n: Int
    var slope = 0.0
    var hasBiases = true
    var flips = 0
    var key: UInt64 = 1

    var testDescription: String { "d \(d), m \(m), n \(n), slope \(slope), biases \(hasBiases), \(flips) flips" }

    func teacher() throws -> Teacher {
      try plantedTeacher(d: d, m: m, c: 3, slope: slope, hiddenBiases: hasBiases, outputBiases: hasBiases, key: key)
    }

    /// A student of loss 0: nodes rescaled, split, flipped, with zero-sum extras as there is room, in random order.
    func student(key: UInt64) throws -> Student {
      var planted = PlantedStudent(try teacher(), key: key)
      for k in 0..<m { planted.rescale(k) }
      for k in 0..<flips { planted.flip((k + Int(key)) % m) }
      for k in 0..<max(0, (n - m - 2 * flips) / 3) where k < m { planted.split((k + Int(key)) % m) }
      if n >= planted.nodes.count + 3 { planted.addZeroSum() }
      while planted.nodes.count < n { planted.addWithoutFanOut() }
      planted.shuffle()
      #expect(planted.nodes.count == n)
      return try planted.student()
    }
  }

  private func plainLosses(along segment: PathSegment, points: Int, _ x: Matrix, _ targets: Matrix) throws -> [Double] {
    try (0..<points).map { point in
      let network = segment.network(at: Double(point) / Double(points - 1))
      let outputs = try network.outputs(for: x)
      return zip(outputs.values, targets.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        / (2 * Double(x.rowCount))
    }
  }

  @Test(
    "the constructed path has no loss anywhere, and its segments change what they may",
    arguments: [
      Case(m: 4, n: 5), Case(m: 4, n: 6, slope: 0.2), Case(m: 5, n: 7, hasBiases: false), Case(m: 6, n: 8),
      Case(m: 4, n: 8), Case(m: 3, n: 12, slope: 0.1), Case(m: 4, n: 20), Case(d: 20, m: 5, n: 25, hasBiases: false),
      Case(m: 4, n: 24, flips: 2), Case(m: 4, n: 30, slope: 0.3, hasBiases: false, flips: 2),
    ])
  func constructed(_ size: Case) throws {
    for key in 1...3 as ClosedRange<UInt64> {
      let (teacher, a, b) = (try size.teacher(), try size.student(key: 2 * key), try size.student(key: 2 * key + 1))
      let x = Draw.inputs(300, size.d, key: key)
      let targets = try teacher.network.outputs(for: x)
      let path = try constructedPath(from: a, to: b, over: x, targets: targets)
      #expect(path.obstacle == nil)
      #expect(path.segments.first?.from == a.network)
      #expect(path.segments.last?.to == b.network)
      for (before, after) in zip(path.segments, path.segments.dropFirst()) { #expect(before.to == after.from) }
      for segment in path.segments {
        let losses = try losses(along: segment, over: x, targets: targets)
        #expect(losses.count == 200)
        #expect(losses.allSatisfy { $0 < 1e-20 }, "\(losses.max() ?? 0): \(segment.what)")
        let (from, to) = (segment.from, segment.to)
        if from.layers[0] != to.layers[0] {
          // Only nodes without fan-out move, and nothing else does.
          #expect(from.layers[1] == to.layers[1], "\(segment.what)")
          let moved = (0..<size.n).filter { k in
            Array(from.layers[0].weights.row(k)) != Array(to.layers[0].weights.row(k))
              || from.layers[0].biases?[k] != to.layers[0].biases?[k]
          }
          #expect(moved.allSatisfy { k in from.layers[1].weights.column(k).allSatisfy { $0 == 0 } }, "\(segment.what)")
        }
        #expect(from != to)
      }
      if size.n >= 2 * size.m, size.flips == 0 { #expect(path.segments.count <= 7) }
      let straight = try losses(along: try straightLine(from: a, to: b), over: x, targets: targets)
      #expect(straight.max() ?? 0 > 1e-4)
      #expect(straight[0] < 1e-20 && straight[199] < 1e-20)
    }
  }

  @Test("the 1x student has no spare node, and the reason says so")
  func noSpareNode() throws {
    let size = Case(m: 4, n: 4)
    let x = Draw.inputs(300, 5)
    let targets = try size.teacher().network.outputs(for: x)
    let (a, b) = (try size.student(key: 1), try size.student(key: 2))
    let path = try constructedPath(from: a, to: b, over: x, targets: targets)
    #expect(path.segments.isEmpty)
    let obstacle = try #require(path.obstacle)
    #expect(obstacle.contains("no spare node") && obstacle.contains("4 nodes"))
    let same = try constructedPath(from: a, to: a, over: x, targets: targets)
    #expect(same.segments.map(\.what) == ["Nothing moves: student A and student B are equal."] && same.obstacle == nil)
    #expect(same.segments[0].from == a.network && same.segments[0].to == a.network)
    #expect(try losses(along: same.segments[0], over: x, targets: targets).allSatisfy { $0 < 1e-20 })
  }

  @Test("students that do not share their boundaries need room for both")
  func unsharedBoundaries() throws {
    let x = Draw.inputs(300, 5)
    let a = Student(try plantedTeacher(d: 5, m: 4, c: 3, key: 1).network)
    // The other has three nodes that carry something, and boundaries of its own.
    var network = try plantedTeacher(d: 5, m: 4, c: 3, key: 2).network
    for c in 0..<3 { network[layer: 1].weights[c, 1] = 0 }
    let path = try constructedPath(
      from: a, to: Student(network), over: x, targets: try a.network.outputs(for: x))
    let obstacle = try #require(path.obstacle)
    #expect(obstacle.contains("do not share all boundaries") && obstacle.contains("student B on 3"), "\(obstacle)")
  }

  @Test(
    "at a small loss the path's loss stays within a thousandfold of it",
    arguments: [Case(m: 4, n: 6), Case(m: 4, n: 12)])
  func smallLoss(_ size: Case) throws {
    let x = Draw.inputs(300, 5)
    let targets = try size.teacher().network.outputs(for: x)
    func perturbed(_ key: UInt64) throws -> Student {
      var (student, stream) = (try size.student(key: key), RandomStream(key: key, purpose: .test, index: 9))
      for layer in 0..<2 {
        let noise = stream.normals(student.network.layers[layer].weights.values.count, standardDeviation: 1e-5)
        for i in noise.indices { student.network[layer: layer].weights.values[i] += noise[i] }
      }
      return student
    }
    let path = try constructedPath(from: try perturbed(4), to: try perturbed(5), over: x, targets: targets)
    #expect(path.obstacle == nil)
    let ends = try [path.segments.first?.from, path.segments.last?.to].map {
      try halfMeanSquare(of: try #require($0), over: x, targets: targets)
    }
    let worse = ends.max() ?? 0
    #expect(worse > 1e-12 && worse < 1e-7)
    for segment in path.segments {
      #expect(try losses(along: segment, pointCount: 20, over: x, targets: targets).allSatisfy { $0 < 1000 * worse })
    }
  }

  @Test("losses agree with evaluating the network at each point")
  func lossesAgree() throws {
    let x = Draw.inputs(70, 4)
    let a = try plantedTeacher(d: 4, m: 5, c: 2, slope: 0.1, key: 3).network
    let b = try plantedTeacher(d: 4, m: 5, c: 2, slope: 0.1, key: 4).network
    let targets = try plantedTeacher(d: 4, m: 3, c: 2, key: 5).network.outputs(for: x)
    var fanOutOnly = a
    fanOutOnly[layer: 1] = b.layers[1]
    var (idle, moved) = (a, a)
    for c in 0..<2 { idle[layer: 1].weights[c, 2] = 0 }
    moved = idle
    for f in 0..<4 { moved[layer: 0].weights[2, f] = 7 }
    for (from, to) in [(a, b), (a, fanOutOnly), (idle, moved), (idle, b)] {
      let segment = PathSegment(from: from, to: to, what: "")
      let fast = try losses(along: segment, pointCount: 11, over: x, targets: targets)
      let plain = try plainLosses(along: segment, points: 11, x, targets)
      for (got, wanted) in zip(fast, plain) { #expect(abs(got - wanted) < 1e-12 * max(1, wanted)) }
    }
    #expect(throws: ShapeError.self) {
      try losses(along: PathSegment(from: a, to: b, what: ""), over: x, targets: Matrix(rowCount: 3, columnCount: 2))
    }
  }

  @Test("matching undoes order and scale, and the straight line is then free of loss")
  func matching() throws {
    let teacher = try plantedTeacher(d: 5, m: 6, c: 3, key: 8)
    let x = Draw.inputs(200, 5)
    let targets = try teacher.network.outputs(for: x)
    var planted = PlantedStudent(teacher, key: 9)
    for k in 0..<6 { planted.rescale(k) }
    planted.shuffle()
    let b = try planted.student()
    let matching = try StudentMatching(of: b, to: Student(teacher.network), over: x)
    #expect(Set(matching.layers[0].nodes).count == 6)
    #expect(try weightChanges(from: matching.student.network, to: teacher.network).allSatisfy { $0 < 1e-13 })
    let line = try straightLine(from: Student(teacher.network), to: matching.student)
    #expect(try losses(along: line, over: x, targets: targets).allSatisfy { $0 < 1e-24 })
    // Matched or not, B is the same function.
    #expect(largestDifference(try matching.student.network.outputs(for: x), targets) < 1e-13)
  }

  @Test("all three ways at once are those one by one")
  func solutionPaths() throws {
    let size = Case(m: 4, n: 9)
    let (teacher, a, b) = (try size.teacher(), try size.student(key: 1), try size.student(key: 2))
    let x = Draw.inputs(150, 5)
    let targets = try teacher.network.outputs(for: x)
    let paths = try SolutionPaths(from: a, to: b, learning: teacher, over: x, targets: targets, pointCount: 20)
    #expect(
      paths.straight == (try losses(along: try straightLine(from: a, to: b), pointCount: 20, over: x, targets: targets))
    )
    #expect(paths.matched.count == 20 && paths.matched[0] == paths.straight[0])
    #expect(paths.constructed.count == paths.path.segments.count && paths.constructed.allSatisfy { $0.count == 20 })
    let narrow = Student(try plantedTeacher(d: 5, m: 3, c: 3, key: 1).network)
    #expect(throws: ShapeError.self) {
      try SolutionPaths(from: narrow, to: narrow, learning: teacher, over: x, targets: targets)
    }
  }

  @Test("students of different shapes are refused, and the message names both")
  func refusals() throws {
    let a = Student(try plantedTeacher(d: 5, m: 4, c: 3, key: 1).network)
    let b = Student(try plantedTeacher(d: 5, m: 6, c: 3, key: 1).network)
    #expect { try straightLine(from: a, to: b) } throws: { "\($0)".contains("5-4-3") && "\($0)".contains("5-6-3") }
    let c = Student(try plantedTeacher(d: 5, m: 4, c: 3, hiddenBiases: false, outputBiases: false, key: 1).network)
    #expect { try straightLine(from: a, to: c) } throws: { "\($0)".contains("biases") }
  }
}
