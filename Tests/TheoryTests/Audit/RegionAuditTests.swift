import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite struct RegionAuditTests {
  static let regions: [InputRegion] = [.ball(radius: 2), .box(lowest: -1, highest: 1.5)]

  private func pair(
    _ d: Int, _ nodes: Int, slope: Double = 0, outputs: Int = 3
  ) throws -> (teacher: Teacher, student: Student) {
    (
      Teacher(try Draw.network([d, 3, outputs], key: 1, slope: slope)),
      Student(try Draw.network([d, nodes, outputs], key: 2, slope: slope))
    )
  }

  /// In the plane the largest gradients are exact: no input of a fine grid or at random has a larger one, and the best of them
  /// come near it.
  @Test(arguments: regions, [0, 0.2])
  func planeIsExact(region: InputRegion, slope: Double) throws {
    let (teacher, student) = try pair(2, 6, slope: slope)
    let audit = try regionAudit(of: student, learning: teacher, within: region)
    #expect(audit.found.isExact && audit.found.inputCount == 10_000)
    let view = try TwoLayerView(student.network)
    let inputs = region.evenInputs(20_000, featureCount: 2, key: 77)
    let (given, own) = (try teacher.network.outputs(for: inputs), try student.network.outputs(for: inputs))
    for k in 0..<6 {
      var largest = 0.0
      for i in 0..<inputs.rowCount {
        let z = dotProduct(view.row(k).dropLast(), inputs.row(i), from: view.row(k)[2])
        let h = zip(view.fanOut(k), zip(given.row(i), own.row(i))).reduce(0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
        largest = max(largest, abs(h) * (z > 0 ? 1 : slope))
      }
      #expect(largest <= audit.found.largest[k] * (1 + 1e-9))
      #expect(largest > 0.9 * audit.found.largest[k])
      #expect(audit.found.largest[k] <= audit.gradient.studentNodes[k].gradientBound * (1 + 1e-12))
    }
  }

  /// Above the plane the found gradients are from below and the bounds from above; where the two do not meet nothing is said.
  @Test(arguments: regions)
  func boundsFromBothSides(region: InputRegion) throws {
    let (teacher, student) = try pair(6, 5)
    let audit = try regionAudit(of: student, learning: teacher, within: region)
    #expect(!audit.found.isExact)
    for (k, node) in audit.gradient.studentNodes.enumerated() {
      #expect(audit.found.largest[k] <= node.gradientBound && audit.found.largest[k] > 0)
      #expect(audit.vanishes(k) == false)
      let (low, high) = (audit.found.largest[k] * 1.01, node.gradientBound * 0.99)
      let between = try regionAudit(
        of: student, learning: teacher, within: region,
        residualTolerance: (low + high) / 2 / euclideanNorm(student.network.fanOutWeights.row(k)))
      #expect(between.vanishes(k) == nil)
      #expect(between.found.vanishingShares[k] == 1)
    }
  }

  /// Students of zero loss: all is predicted and found, and boundaries of their own carry nothing.
  @Test(arguments: regions, [0, 0.2])
  func zeroLoss(region: InputRegion, slope: Double) throws {
    let teacher = Teacher(try Draw.network([4, 3, 2], key: 1, slope: slope))
    let student = try Draw.copy(of: teacher.network, extra: 3)
    let audit = try regionAudit(of: student, learning: teacher, within: region)
    for (j, verdict) in audit.verdicts.enumerated() where audit.gradient.teacherNodes[j].isVisible {
      guard case .predictedAndFound(let eps) = verdict else {
        Issue.record("teacher node \(j): \(verdict)")
        continue
      }
      #expect(eps < 1e-12)
    }
    #expect(
      (0..<6).allSatisfy {
        audit.vanishes($0) == true && audit.found.largest[$0] <= audit.gradient.studentNodes[$0].gradientTolerance
      })
    for node in audit.gradient.studentNodes where node.vanishingSpan != nil {
      #expect(node.isPredictedSilent == (node.vanishingSpan?.rank == 2))
      if node.isPredictedSilent { #expect((node.kinkLeft ?? 1) < 1e-9) }
    }
    #expect(audit.gradient.studentNodes.contains { $0.isPredictedSilent })
  }

  /// The four other verdicts, each in a case made for it.
  @Test func verdicts() throws {
    func network(_ rows: [[Double]], _ biases: [Double], _ fanOuts: [[Double]]) throws -> Network {
      try Draw.twoLayers(zip(rows, biases).map { $0 + [$1] }, fanOuts: fanOuts)
    }
    let teacher = Teacher(try network([[1, 0], [0, 1], [1, 1]], [0.2, 5, 0], [[1, 0], [0, 1], [0, 1]]))
    let box = InputRegion.box(lowest: -1, highest: 1)
    // Node 1 is near teacher node 0's boundary, node 2 is active where no boundary but its own is coupled with it.
    let student = Student(
      try network([[2, 0.001], [0.5, 0.3], [1, 0]], [0.4, -2, 0.9], [[0.4, 0], [0, 1], [0.1, 0]]))
    let audit = try regionAudit(of: student, learning: teacher, within: box)
    #expect(audit.verdicts[0] == .foundThoughNotPredicted)
    #expect(audit.verdicts[1] == .notLearned(.invisible))
    #expect(audit.verdicts[2] == .notLearned(.noObserver), "the one node with alpha not 0 is dead in the box")
    #expect(audit.gradient.studentNodes[1].isActive == false && audit.found.activeShares[1] == 0)
    let other = Student(
      try network([[2, 0.001], [-0.5, 0.3], [1, 0]], [0.4, 1, 0.9], [[0.4, 0], [0, 1], [0.1, 0]]))
    guard
      case .notLearned(.gradientTooLarge(let factor)) = try regionAudit(
        of: other, learning: teacher, within: box
      ).verdicts[2]
    else {
      Issue.record("observed by a node with a gradient")
      return
    }
    #expect(factor > 1e6)
  }

  /// A node that is active nowhere in the region has no gradient there, though its pre-activation is 0 at some inputs or all: without
  /// weights, and where the region only touches its boundary.
  @Test(arguments: [0, 0.2])
  func nodesThatAreActiveNowhere(slope: Double) throws {
    let teacher = Teacher(try Draw.twoLayers([[1, 0, 0.1]], fanOuts: [[3]], slope: slope))
    let student = Student(
      try Draw.twoLayers([[0, 0, 0], [1, 1, -2], [1, 0, 0]], fanOuts: [[2], [1], [0.5]], slope: slope))
    for region in [InputRegion.box(lowest: -1, highest: 1), .ball(radius: 2.0.squareRoot() * (1 - 1e-15))] {
      let audit = try regionAudit(of: student, learning: teacher, within: region)
      for k in 0..<2 {
        #expect(!audit.gradient.studentNodes[k].isActive || slope > 0)
        #expect(audit.found.largest[k] <= audit.gradient.studentNodes[k].gradientBound)
        // f* - f is at most 3.3 - 0.5 at the largest, where the slope alone is left of what is not active.
        #expect(slope > 0 ? audit.found.largest[k] < 3 : audit.found.largest[k] == 0)
      }
    }
  }

  /// A ReLU node that is scaled otherwise is the same function: no answer changes, neither of the node nor of others.
  @Test(arguments: regions, [0, 0.2])
  func scaledNodes(region: InputRegion, slope: Double) throws {
    let (teacher, student) = try pair(2, 5, slope: slope)
    var network = student.network
    for (k, factor) in [(0, 1e7), (3, 1e-7)] {
      for f in 0..<2 { network[layer: 0].weights[k, f] *= factor }
      network[layer: 0].biases?[k] *= factor
      for c in 0..<3 { network[layer: 1].weights[c, k] /= factor }
    }
    for tolerance in [nil, 0.3, 1, 3, 10] {
      let plain = try regionAudit(of: student, learning: teacher, within: region, residualTolerance: tolerance)
      let scaled = try regionAudit(
        of: Student(network), learning: teacher, within: region, residualTolerance: tolerance)
      for k in 0..<5 {
        #expect(plain.vanishes(k) == scaled.vanishes(k), "node \(k), \(tolerance ?? 0)")
        #expect(abs(plain.found.vanishingShares[k] - scaled.found.vanishingShares[k]) < 1e-3)
      }
      for j in 0..<3 {
        let (one, other) = (plain.gradient.teacherNodes[j], scaled.gradient.teacherNodes[j])
        #expect(one.witnesses == other.witnesses)
        #expect(plain.verdicts[j].isFound == scaled.verdicts[j].isFound)
      }
    }
  }

  /// A tolerance above what a teacher node's kink alone would leave decides nothing; that is no gradient that is too large.
  @Test func wideTolerance() throws {
    let teacher = Teacher(try Draw.network([2, 3, 2], key: 1))
    let student = try Draw.copy(of: teacher.network, extra: 0)
    let box = InputRegion.box(lowest: -3, highest: 3)
    let wide = try regionAudit(of: student, learning: teacher, within: box, residualTolerance: 1e6)
    let lone = Student(try Draw.network([2, 3, 2], key: 9))
    let other = try regionAudit(of: lone, learning: teacher, within: box, residualTolerance: 1e6)
    for j in 0..<3 where wide.gradient.teacherNodes[j].isVisible {
      #expect(wide.verdicts[j] == .foundThoughNotPredicted)
      #expect(wide.gradient.teacherNodes[j].loneKinkExcess > 0 && wide.gradient.teacherNodes[j].smallestBound < 1e-9)
      if other.verdicts[j].isFound || other.gradient.teacherNodes[j].observers.isEmpty { continue }
      guard case .notLearned(.weakAlpha(let times)) = other.verdicts[j] else {
        Issue.record("\(other.verdicts[j])")
        continue
      }
      #expect(times > 1)
    }
  }

  @Test func refusals() throws {
    let (teacher, student) = try pair(3, 4)
    var huge = student.network
    huge[layer: 1].weights[0, 0] = 1e308
    huge[layer: 0].weights[0, 0] = 1e308
    #expect(throws: ShapeError.self) {
      try regionAudit(of: Student(huge), learning: teacher, within: .ball(radius: 1))
    }
    let deep = try Draw.network([3, 3, 3, 3], key: 1)
    #expect(throws: ShapeError.self) {
      try regionAudit(of: Student(deep), learning: Teacher(deep), within: .ball(radius: 1))
    }
  }
}
