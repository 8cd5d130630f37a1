import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("What an audit leaves out") struct AuditEffortTests {
  @Test("without time for gradients nothing is predicted or violated, and each part that is left out is named")
  func nothingIsClaimed() throws {
    let teacher = Teacher(try Draw.network([5, 3, 4], key: 21))
    let student = try Draw.copy(of: teacher.network, extra: 4)
    let x = Draw.inputs(2000, 5)
    let whole = try audit(of: student, learning: teacher, over: x)
    #expect(whole.omitted.isEmpty && whole.merged != nil)
    let short = try audit(
      of: student, learning: teacher, over: x, options: AuditOptions(effort: AuditEffort(minutes: 1e-9)))
    #expect(short.omitted.map(\.part) == AuditEffort.Part.allCases)
    #expect(short.omitted.allSatisfy { $0.cost > 0 && $0.note.contains("--complete") })
    #expect(short.teacherNodes.allSatisfy { $0.verdict == .foundThoughNotPredicted && $0.predicted == nil })
    #expect(short.studentNodes.allSatisfy { $0.observerSpan == nil } && short.merged == nil)
    #expect(short.bands.allSatisfy { $0.witnesses == nil && !$0.awareGradients.isMeasured })
    // What is measured all the same is what it was.
    #expect(short.correlation == whole.correlation && short.loss == whole.loss)

    let other = try audit(
      of: Student(try Draw.network([5, 9, 4], key: 22)), learning: teacher, over: x,
      options: AuditOptions(effort: AuditEffort(minutes: 1e-9)))
    #expect(other.teacherNodes.contains { $0.verdict == .notLearned(.gradientsNotMeasured) })
  }

  @Test("predictions rest on the teacher-aware copies where only those are affordable")
  func awareAlone() throws {
    // 2 d + 1 = 61 copies of an input against 2 m + 1 = 5.
    let teacher = Teacher(try Draw.network([30, 2, 3], key: 23))
    let student = try Draw.copy(of: teacher.network, extra: 2)
    let x = Draw.inputs(4000, 30)
    let cost = AuditCost(
      teacher: teacher.network.architecture, student: student.network.architecture, sampleCount: 4000, bandCount: 1)
    let minutes =
      (cost.base(.minute) + 1.1 * cost.cost(of: .awareGradients)) / AuditEffort.minute.multiplications
    let found = try audit(
      of: student, learning: teacher, over: x, options: AuditOptions(effort: AuditEffort(minutes: minutes)))
    #expect(!found.bands[0].agnosticGradients.isMeasured && found.bands[0].awareGradients.isMeasured)
    #expect(found.omitted.contains { $0.part == .agnosticGradients })
    #expect(!found.omitted.contains { $0.part == .awareGradients })
    #expect(found.teacherNodes.allSatisfy { $0.verdict != .notLearned(.gradientsNotMeasured) })
    #expect(found.teacherNodes.contains { $0.gradientAware.map { $0 < .infinity } ?? false })
  }

  @Test("without witnesses nobody says that there are too few of them")
  func agnosticAlone() throws {
    // 2 d + 1 = 5 copies of an input against 2 m + 1 = 25.
    let teacher = Teacher(try Draw.network([2, 12, 3], key: 24))
    let student = try Draw.copy(of: teacher.network, extra: 2)
    let x = Draw.inputs(4000, 2)
    let cost = AuditCost(
      teacher: teacher.network.architecture, student: student.network.architecture, sampleCount: 4000, bandCount: 1)
    let minutes =
      (cost.base(.minute) + cost.cost(of: .merging) + 1.1 * cost.cost(of: .agnosticGradients))
      / AuditEffort.minute.multiplications
    // A student that is moved away is not found.
    var moved = student.network
    for k in 0..<moved.hiddenCounts[0] { moved[layer: 0].biases?[k] += 0.7 }
    for pupil in [student, Student(moved)] {
      let found = try audit(
        of: pupil, learning: teacher, over: x, options: AuditOptions(effort: AuditEffort(minutes: minutes)))
      #expect(found.bands[0].agnosticGradients.isMeasured && !found.bands[0].awareGradients.isMeasured)
      #expect(found.bands[0].witnesses == nil)
      for node in found.teacherNodes {
        if case .notLearned(.tooFewSamples(_, _, areWitnesses: true)) = node.verdict { Issue.record("\(node.verdict)") }
        if case .notLearned(.thinWitnesses) = node.verdict { Issue.record("\(node.verdict)") }
      }
    }
  }

  @Test(
    "tables of pairs of nodes are not made where they do not fit into memory, and the note says so", arguments: [2, 3])
  func memory(layerCount: Int) throws {
    let teacher = Teacher(try Draw.network(layerCount == 2 ? [4, 3, 2] : [4, 3, 3, 2], key: 25))
    let student = Student(try Draw.network(layerCount == 2 ? [4, 30, 2] : [4, 30, 20, 2], key: 26))
    let short = try audit(
      of: student, learning: teacher, over: Draw.inputs(300, 4),
      options: AuditOptions(effort: AuditEffort(minutes: .infinity, bytes: 5000)))
    #expect(short.omitted.map(\.part) == [.merging, .observerRanks])
    #expect(short.omitted.allSatisfy { ($0.bytes ?? 0) > 5000 && $0.note.contains("bytes of memory") })
    #expect(short.merged == nil && short.studentNodes.allSatisfy { $0.observerSpan == nil })
    #expect(short.teacherNodes.allSatisfy { $0.verdict != .notLearned(.gradientsNotMeasured) })
  }

  @Test("what is left out is what is beyond the effort, in the order of what it tells")
  func order() throws {
    let (teacher, student) = (try Draw.network([30, 10, 8], key: 1), try Draw.network([30, 90, 8], key: 2))
    let cost = AuditCost(teacher: teacher.architecture, student: student.architecture, sampleCount: 2000, bandCount: 1)
    let parts: [AuditEffort.Part] = [.awareGradients, .merging, .agnosticGradients]
    var needed = cost.base(.minute)
    for (count, part) in parts.enumerated() {
      // All but a little of what the parts up to this one need, and a little more.
      for (share, isIncluded) in [(0.999, false), (1.001, true)] {
        let all = needed + share * cost.cost(of: part)
        let plan = AuditPlan(AuditEffort(minutes: all / AuditEffort.minute.multiplications), cost)
        #expect(plan.includes(part) == isIncluded, "\(part)")
        for known in parts.prefix(count) { #expect(plan.includes(known)) }
        #expect(plan.omitted.map(\.part) == parts.filter { plan.omitted.map(\.part).contains($0) })
      }
      needed += cost.cost(of: part)
    }
  }

  /// Of a million weights each, on 10^4 inputs: what is never left out takes no more than half of the effort.
  @Test(
    "what is never left out of an audit is bounded",
    arguments: [
      [20, 20_000, 10], [1000, 900, 100], [100, 5000, 100], [10, 100, 10_000], [1500, 600, 10], [300, 1000, 700, 10],
      [100, 580, 580, 580, 10], [20, 3000, 300, 10], [300, 450, 450, 450, 450, 10], [5, 100_000, 3],
    ])
  func bounded(widths: [Int]) throws {
    func network(_ widths: [Int]) throws -> Network {
      try Network(
        layers: zip(widths, widths.dropFirst()).map {
          NetworkLayer(weights: Matrix(rowCount: $1, columnCount: $0), biases: [Double](repeating: 0, count: $1))
        }, activation: .relu)
    }
    let teacher = try network(
      [widths[0]] + widths.dropFirst().dropLast().map { min($0, 20) } + [widths[widths.count - 1]])
    let cost = AuditCost(
      teacher: teacher.architecture, student: try network(widths).architecture, sampleCount: 10_000, bandCount: 1)
    #expect(cost.base(.minute) < 0.6 * AuditEffort.minute.multiplications, "\(cost.base(.minute))")
    #expect(cost.bytes < 4e9, "\(cost.bytes)")
  }

  @Test("the cost of gradients counts multiplications")
  func gradientCost() throws {
    // Two layers: each copy goes through both output layers and back through the student's; the lowest layer is shared.
    let (two, wide) = (try Draw.network([5, 3, 4], key: 1), try Draw.network([5, 7, 4], key: 2))
    let shallow = AuditCost(teacher: two.architecture, student: wide.architecture, sampleCount: 10, bandCount: 2)
    #expect(shallow.gradients(.teacherAgnostic) == Double(2 * 10 * 11 * (3 * 4 + 7 * 4 + 7 * 4)))
    #expect(shallow.gradients(.teacherAware) == Double(2 * 10 * 7 * (3 * 4 + 7 * 4 + 7 * 4)))
    // Deeper: every copy through all layers, and back to the lowest.
    let (deep, wider) = (try Draw.network([5, 3, 2, 4], key: 1), try Draw.network([5, 7, 6, 4], key: 2))
    let cost = AuditCost(
      teacher: deep.architecture, student: wider.architecture, sampleCount: 10, bandCount: 1
    ).gradients(.teacherAware)
    #expect(cost == Double(10 * 7 * (15 + 6 + 8 + 35 + 42 + 24 + 42 + 24)))
  }

  @Test("progress names what begins, and ends each pass at 100 %")
  func progress() throws {
    let teacher = Teacher(try Draw.network([4, 2, 3], key: 5))
    var stages: [String] = []
    _ = try audit(
      of: Student(try Draw.network([4, 5, 3], key: 6)), learning: teacher, over: Draw.inputs(200, 4),
      progress: { stages.append($0) })
    #expect(stages.contains { $0.contains("teacher-agnostic") && $0.contains("100 %") })
    #expect(stages.contains { $0.contains("teacher-aware") && $0.contains("100 %") })
    #expect(stages.contains("merging"))
  }
}
