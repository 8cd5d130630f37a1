import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// Values that hold in a part of a grid only.
@Suite struct ConditionTests {
  private func rows(_ text: String) throws -> [[Double]] {
    try parse(text).settings.map {
      [$0.student.overRealization.last, Double($0.training.batchSize), $0.training.learningRate]
    }
  }

  @Test func aConditionSetsAKeyWhereItHolds() throws {
    let text = """
      student.overRealization: [1, 2, 5]
      training.batchSize: [4, 16]
      training.learningRate: 0.1
      conditions:
        - {where: {student.overRealization: [2, 5]}, set: {training.learningRate: 0.02}}
        - {where: {student.overRealization: 5}, set: {training.learningRate: 0.004}}
      """
    #expect(
      try rows(text) == [[1, 4, 0.1], [1, 16, 0.1], [2, 4, 0.02], [2, 16, 0.02], [5, 4, 0.004], [5, 16, 0.004]])
    let study = try parse(text)
    #expect(study.variedKeys == ["student.overRealization", "training.batchSize", "training.learningRate"])
    #expect(study.companions(of: "student.overRealization") == ["training.learningRate"])
  }

  @Test func aDefaultIsWhatHoldsElsewhere() throws {
    let usual = Setting().training.learningRate
    #expect(
      try rows(
        "student.overRealization: [1, 5]\nconditions: [{where: {student.overRealization: 5}, set: {training.learningRate: 1e-3}}]"
      )
      .map { $0[2] } == [usual, 1e-3])
  }

  @Test func settingsThatBecomeEqualCountOnce() throws {
    let text = """
      student.overRealization: [1, 5]
      training.learningRate: [0.1, 0.2]
      conditions: [{where: {student.overRealization: 5}, set: {training.learningRate: 0.1}}]
      """
    #expect(try rows(text).map { [$0[0], $0[2]] } == [[1, 0.1], [1, 0.2], [5, 0.1]])
  }

  @Test func aCombinationIsLeftOut() throws {
    let text = """
      student.overRealization: [1, 5]
      training: {batchSize: [4, 16], learningRate: [0.1, 0.2]}
      conditions: [{where: {student.overRealization: 5, training.learningRate: 0.2}, set: {training.learningRate: 0.1}}]
      """
    #expect(
      try rows(text) == [[1, 4, 0.1], [1, 16, 0.1], [1, 4, 0.2], [1, 16, 0.2], [5, 4, 0.1], [5, 16, 0.1]])
    // Alone, the key's list says the same.
    #expect(throws: StudyError.self) {
      try parse(
        "training.batchSize: [4, 16]\nconditions: [{where: {training.batchSize: 16}, set: {training.batchSize: 4}}]")
    }
  }

  @Test func zippedKeysStayTogether() throws {
    let text = """
      student.overRealization: [1, 5]
      training: {batchSize: [4, 16], learningRate: [0.1, 0.4]}
      zip: [[training.batchSize, training.learningRate]]
      conditions: [{where: {student.overRealization: 5, training.batchSize: 16}, set: {training.learningRate: 0.2}}]
      """
    #expect(try rows(text) == [[1, 4, 0.1], [1, 16, 0.4], [5, 4, 0.1], [5, 16, 0.2]])
    #expect(try parse(text, overrides: ["conditions=null"]).settings.last?.training.learningRate == 0.4)
  }

  /// What a results folder keeps of a study loads to the same one.
  @Test func resolvedStudiesHaveTheSameRuns() throws {
    let study = try parse(
      """
      student.overRealization: [1, 2, 10]
      training: {batchSize: [4, 16], learningRate: [0.1, 0.2], epochs: [2, 3]}
      conditions: [{where: {student.overRealization: 10, training.epochs: 3}, set: {training.momentum: 0.9}}]
      """)
    let again = try parse(try study.yaml())
    #expect(again.settings == study.settings && again.settings.count == 24)
    #expect(again.runs.map(\.hash) == study.runs.map(\.hash))
  }
}
