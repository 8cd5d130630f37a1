import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Paths over networks on half of the nodes") struct HalfWidthReductionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var widths: [Int]
    var slope = 0.0
    var hasBiases = true
    var testDescription: String { "\(widths), slope \(slope), \(hasBiases ? "biases" : "no biases")" }

    static let all = [
      Case(widths: [6]), Case(widths: [6, 7]), Case(widths: [8, 5, 6], slope: 0.2),
      Case(widths: [5, 6, 4], hasBiases: false), Case(widths: [4, 6, 5, 6]), Case(widths: [2, 3]),
    ]
  }

  private let x = Draw.inputs(400, 5)

  /// Students that have learned nothing, and targets that no network gave.
  private func student(_ test: Case, key: UInt64) throws -> Student {
    let network = try deepTeacher(test.widths, c: 3, slope: test.slope, over: x, key: key).network
    guard !test.hasBiases else { return Student(network) }
    return Student(
      try Network(
        layers: network.layers.map { NetworkLayer(weights: $0.weights, biases: nil) }, activation: network.activation))
  }

  private var targets: Matrix {
    var stream = RandomStream(key: 8, purpose: .test, index: 1)
    return stream.normalMatrix(rowCount: x.rowCount, columnCount: 3, standardDeviation: 1)
  }

  /// The statement, for any students, targets and depth: on each segment the outputs stay, or they are linear in t, so no loss is
  /// larger than at its ends. Losses are sums of 1200 squares of order 1: rounding is below 1e-12 of them.
  @Test("no loss is larger than at the corners, at any depth", arguments: Case.all)
  func corners(test: Case) throws {
    let targets = targets
    let start = try student(test, key: 3)
    let way = try #require(try HalfWidthReduction(of: start.network, over: x, targets: targets, retraining: nil))
      .reduced
    #expect(way.steps.first?.segment.from == start.network && way.steps.last?.segment.to == way.network)
    for (step, next) in zip(way.steps, way.steps.dropFirst()) { #expect(step.segment.to == next.segment.from) }
    for step in way.steps {
      let segment = step.segment
      #expect(step.backwards.from == segment.to && step.backwards.to == segment.from && !segment.what.isEmpty)
      let ends = (try segment.from.outputs(for: x), try segment.to.outputs(for: x))
      let last = test.widths.count
      if segment.from.layers[last] == segment.to.layers[last] {
        for t in [0.3, 0.7] {
          #expect(largestDifference(try segment.network(at: t).outputs(for: x), ends.0) < 1e-10)
        }
      } else {
        // Nothing but the output layer.
        #expect(segment.from.layers.prefix(last) == segment.to.layers.prefix(last))
      }
      let found = try losses(along: segment, pointCount: 9, over: x, targets: targets)
      #expect(found.max() ?? 1 <= max(found[0], found[8]) * (1 + 1e-10), "\(segment.what)")
    }
    // What is left does not need the other nodes.
    #expect(zip(way.carriers, test.widths).allSatisfy { $0.count == $1 / 2 && $0 == $0.sorted() })
    var small = way.network
    for (layer, kept) in way.carriers.enumerated() { small = small.keeping(kept, of: layer) }
    #expect(largestDifference(try small.outputs(for: x), try way.network.outputs(for: x)) < 1e-10)
  }

  @Test("joins any two students of several hidden layers", arguments: Case.all.filter { $0.widths.count > 1 })
  func whole(test: Case) throws {
    let targets = targets
    let (a, b) = (try student(test, key: 3), try student(test, key: 4))
    let path = try deepPath(from: a, to: b, over: x, targets: targets)
    #expect(path.obstacle == nil && path.shortage?.contains("more are enough") == true)
    #expect(path.segments.first?.from == a.network && path.segments.last?.to == b.network)
    for (segment, next) in zip(path.segments, path.segments.dropFirst()) { #expect(segment.to == next.from) }
    for segment in path.segments {
      let found = try losses(along: segment, pointCount: 5, over: x, targets: targets)
      #expect(found.max() ?? 1 <= max(found[0], found[4]) * (1 + 1e-10), "\(segment.what)")
    }
  }

  @Test("networks are retrained where that helps, and only there")
  func retraining() throws {
    let targets = targets
    let test = Case(widths: [6, 6])
    let (a, b) = (try student(test, key: 3), try student(test, key: 4))
    func worst(_ retraining: StudentRetraining?) throws -> Double {
      try deepPath(from: a, to: b, over: x, targets: targets, retraining: retraining).segments
        .map { try losses(along: $0, pointCount: 2, over: x, targets: targets).max() ?? 0 }.max() ?? 0
    }
    let plain = try worst(nil)
    func spoiling(_ student: Student, _ inputs: Matrix, _ targets: Matrix) throws(ShapeError) -> Student {
      Student(student.network.scaled(inputs: 1, outputs: 3))
    }
    #expect(try worst(spoiling) == plain)
    func fitting(_ student: Student, _ inputs: Matrix, _ targets: Matrix) throws(ShapeError) -> Student {
      try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: 3)
      return Student(try student.network.refittingOutputs(to: targets, over: inputs))
    }
    #expect(try worst(fitting) <= plain)
  }

  /// Ten nodes a layer, of which seven carry, on the teacher's three boundaries: half of them do all that is needed.
  @Test("has no loss where half of the nodes do the same")
  func redundant() throws {
    let teacher = try deepTeacher([3, 3], c: 4, slope: 0, over: x, key: 1)
    let targets = try teacher.network.outputs(for: x)
    func student(_ key: UInt64) -> Student {
      var planting = DeepPlanting(teacher, key: key)
      for layer in 0..<2 { for node in [0, 1, 2, 0] { planting.split(node, in: layer) } }
      planting.scramble()
      return Student(planting.network.widened(to: [10, 10]))
    }
    for key: UInt64 in [41, 42] {
      let start = student(key).network
      let way = try #require(try HalfWidthReduction(of: start, over: x, targets: targets, retraining: nil)).reduced
      for step in way.steps {
        #expect(try losses(along: step.segment, pointCount: 5, over: x, targets: targets).allSatisfy { $0 < 1e-18 })
      }
    }
  }

  @Test("a layer of one node has no half")
  func oneNode() throws {
    let (a, b) = (try student(Case(widths: [4, 1]), key: 3), try student(Case(widths: [4, 1]), key: 4))
    let path = try deepPath(from: a, to: b, over: x, targets: targets)
    #expect(path.segments.isEmpty && path.obstacle?.contains("hidden layer 2 has 1 node") == true)
  }
}
