import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

@Suite("Records of audits") struct AuditRecordTests {
  @Test("what was left out is absent, and not zero", arguments: [true, false])
  func omissions(isComplete: Bool) throws {
    let teacher = try TeacherDesign(
      inputCount: 4, hiddenCount: 3, outputCount: 2, weights: .discrete, bias: -0.1, strengthDecay: 0, activation: .relu
    ).draw(key: 3)
    let student = try StudentDesign(hiddenCount: 6, scale: 0.4).draw(for: teacher, key: 3)
    let inputs = InputDesign(count: 300, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: 3, purpose: .trainingInputs)
    let effort = isComplete ? AuditEffort.complete : AuditEffort(minutes: 1e-9)
    let found = try audit(of: student, learning: teacher, over: inputs, options: AuditOptions(effort: effort))
    let record = AuditRecord(found, teacherName: "t", studentName: "s", inputsName: "x")
    let object = try #require(try JSONSerialization.jsonObject(with: JSONEncoder().encode(record)) as? [String: Any])
    let nodes = try #require(object["studentNodes"] as? [[String: Any]])
    #expect(nodes.allSatisfy { ($0["fate"] != nil) == isComplete && ($0["observerFanOutRank"] != nil) == isComplete })
    let teacherNodes = try #require(object["teacherNodes"] as? [[String: Any]])
    let bands = teacherNodes.flatMap { $0["bands"] as? [[String: Any]] ?? [] }
    #expect(bands.count == 3)
    #expect(bands.allSatisfy { ($0["witnessCount"] != nil) == isComplete })
    #expect(bands.allSatisfy { ($0["witnessStudentCount"] != nil) == isComplete })
    let summary = try #require(object["student"] as? [String: Any])
    for key in [
      "carryingCount", "carryingTeacherCount", "mergeableCount", "removableCount", "mergedNodeCount",
      "largestOutputChange",
    ] { #expect((summary[key] != nil) == isComplete, "\(key)") }
    #expect(summary["nodeCount"] as? Int == 6 && (summary["outputScale"] as? Double ?? 0) > 0)
    #expect((object["omitted"] != nil) == !isComplete)
    #expect((object["largestGradientAware"] != nil) == isComplete)
    let text = teacherNodes.compactMap { $0["reason"] as? String }.joined()
    #expect(isComplete || !text.contains("witnesses"), "nobody looked for them")
    #expect(try JSONDecoder().decode(AuditRecord.self, from: JSONEncoder().encode(record)) == record)
  }
}
