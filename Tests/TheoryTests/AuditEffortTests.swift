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
    #expect(short.studentNodes.allSatisfy { $0.observerRank == nil } && short.merged == nil)
    #expect(short.bands.allSatisfy { $0.witnesses.counts.allSatisfy { $0 == 0 } && !$0.awareGradients.isMeasured })
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
    let cost = AuditCost(teacher: teacher.network, student: student.network, sampleCount: 4000, bandCount: 1)
    let minutes = 2 * cost.gradients(.teacherAware) / AuditEffort.minute.limit(of: .awareGradients)
    let found = try audit(
      of: student, learning: teacher, over: x, options: AuditOptions(effort: AuditEffort(minutes: minutes)))
    #expect(!found.bands[0].agnosticGradients.isMeasured && found.bands[0].awareGradients.isMeasured)
    #expect(found.omitted.contains { $0.part == .agnosticGradients })
    #expect(!found.omitted.contains { $0.part == .awareGradients })
    #expect(found.teacherNodes.allSatisfy { $0.verdict != .notLearned(.gradientsNotMeasured) })
    #expect(found.teacherNodes.contains { $0.gradientAware.map { $0 < .infinity } ?? false })
  }

  @Test("the cost of gradients counts multiplications")
  func gradientCost() throws {
    // Two layers: each copy goes through both output layers and back through the student's; the lowest layer is shared.
    let (two, wide) = (try Draw.network([5, 3, 4], key: 1), try Draw.network([5, 7, 4], key: 2))
    let shallow = AuditCost(teacher: two, student: wide, sampleCount: 10, bandCount: 2)
    #expect(shallow.gradients(.teacherAgnostic) == Double(2 * 10 * 11 * (3 * 4 + 7 * 4 + 7 * 4)))
    #expect(shallow.gradients(.teacherAware) == Double(2 * 10 * 7 * (3 * 4 + 7 * 4 + 7 * 4)))
    // Deeper: every copy through all layers, and back to the lowest.
    let (deep, wider) = (try Draw.network([5, 3, 2, 4], key: 1), try Draw.network([5, 7, 6, 4], key: 2))
    let cost = AuditCost(teacher: deep, student: wider, sampleCount: 10, bandCount: 1).gradients(.teacherAware)
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
