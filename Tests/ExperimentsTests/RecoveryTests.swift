import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

@testable import UnderstudyExperiments

@Suite("Recovery of deep teachers") struct RecoveryTests {
  /// Weights are off by the residuals (gradients of 1e-10 at every sample) over the weakest direction that the inputs show
  /// (about 1e-2). Now and then a student finishes with several nodes that share a teacher node's kink; which one it is
  /// depends on the roundings of the machine's BLAS.
  @Test("two hidden layers are read back from their outputs, seven times of eight or more")
  func endToEnd() throws {
    var size = RecoveryBenchmark.Size([4, 5], d: 6, epochCount: 10, seedCount: 8)
    size.sampleCount = 2000
    var recoveredCount = 0
    for seed in 1...UInt64(size.seedCount) {
      let outcome = try RecoveryBenchmark().run(size, seed: seed)
      #expect(outcome.trainedLoss > 1e-12, "nothing is left for the finishing stage to do")
      #expect(outcome.reachedTarget && outcome.seconds > 0 && outcome.trainingSeconds > 0)
      guard outcome.unitCounts == [4, 5] else { continue }
      #expect(outcome.isRecovered && outcome.weightErrors?.count == 3, "\(outcome)")
      recoveredCount += 1
    }
    #expect(recoveredCount >= 7, "\(recoveredCount) of 8")
  }

  /// A teacher, and a student in which every node is there twice, all weights moved a little.
  private func doubled(by noise: Double) throws -> (teacher: Teacher, student: Student, inputs: Matrix, targets: Matrix)
  {
    var design = TeacherDesign(
      inputCount: 5, hiddenCounts: [4, 4], outputCount: 4, weights: .gaussian(scale: 1), bias: 0, strengthDecay: 0,
      activation: .relu)
    design.medianBiases = true
    var stream = RandomStream(key: 11, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 1500, columnCount: 5, standardDeviation: 1)
    let teacher = try design.draw(key: 11, calibration: inputs)
    let student = try Network(
      layers: teacher.network.layers.enumerated().map { index, layer in
        let (rows, columns) = (index == 2 ? 1 : 2, index == 0 ? 1 : 2)
        let weights = Matrix(
          (0..<rows * layer.nodeCount).map { k in
            (0..<columns * layer.inputCount).map { f in
              layer.weights[k % layer.nodeCount, f % layer.inputCount] / Double(columns)
                + noise * stream.normals(1, standardDeviation: 1)[0]
            }
          })
        return DenseLayer(
          weights: weights, biases: (0..<rows * layer.nodeCount).map { layer.biases?[$0 % layer.nodeCount] ?? 0 })
      }, activation: .relu)
    return (teacher, Student(student), inputs, try teacher.network.outputs(for: inputs))
  }

  @Test("where finishing ends short of its target, what is left after merging is finished in turn")
  func refinement() throws {
    let (teacher, student, inputs, targets) = try doubled(by: 1e-4)
    // One step leaves residuals, which only the merged student's own stages can take away.
    let plan = FinishingPlan(iterationLimit: 1, restartLimit: 0)
    let recovery = try recover(student, along: plan, on: inputs, targets: targets, key: 1)
    let alone = try finish(student, along: plan, on: inputs, targets: targets, key: 1)
    #expect(!alone.report.reachedTarget && alone.student == recovery.finished)
    #expect(recovery.refinementCount > 0 && recovery.report.loss < 1e-3 * alone.report.loss)
    #expect(recovery.student.network.hiddenCounts == [4, 4])
    #expect(try #require(weightError(of: recovery.student.network, against: teacher.network)) < 1e-5)
  }

  @Test("a node that the others can stand in for goes, and none of the teacher's")
  func pruning() throws {
    let (teacher, student, inputs, targets) = try doubled(by: 0)
    let plan = FinishingPlan()
    guard
      case .smaller(let smaller, let report) = try pruned(student, along: plan, on: inputs, targets: targets, key: 1)
    else {
      Issue.record("every node has a twin, and none goes")
      return
    }
    #expect(report.reachedTarget && smaller.network.hiddenCounts.reduce(0, +) == 15)
    #expect(largestDifference(try smaller.network.outputs(for: inputs), targets) < 1e-8)
    func isNone(_ student: Student, costLimit: Double = 2e10) throws -> Bool {
      let pruning = try pruned(
        student, along: plan, on: inputs, targets: targets, key: 1, costLimit: costLimit)
      if case .none = pruning { return true } else { return false }
    }
    #expect(try isNone(Student(teacher.network)))
    #expect(try isNone(student, costLimit: 1e6), "too large to be tried")
  }

  /// Merging does not train back here, so that nodes that share a kink stay; in one student or more there are some.
  @Test("what merging alone leaves too wide is pruned to the teacher's size")
  func pruningRecovers() throws {
    let (teacher, _, inputs, targets) = try doubled(by: 0)
    var (prunedCount, recoveredCount) = (0, 0)
    for key in 3...7 as ClosedRange<UInt64> {
      let student = try StudentDesign(hiddenCounts: [8, 8], scale: 1, initialization: .uniform)
        .draw(for: teacher, key: key)
      let recovery = try recover(
        student, along: FinishingPlan(), on: inputs, targets: targets, key: 1, mergingCostLimit: 0)
      prunedCount += recovery.prunedCount
      if let error = weightError(of: recovery.student.network, against: teacher.network) {
        #expect(error < 1e-8)
        recoveredCount += 1
      }
    }
    #expect(prunedCount > 0)
    #expect(recoveredCount >= 4)
  }

  @Test("a cancelled recovery returns what it has")
  func cancellation() throws {
    let (_, student, inputs, targets) = try doubled(by: 1e-3)
    let recovery = try recover(
      student, along: FinishingPlan(), on: inputs, targets: targets, key: 1, isCancelled: { true })
    #expect(recovery.report.wasCancelled && recovery.refinementCount == 0)
    #expect(recovery.merged == nil && recovery.finished == student && recovery.student == student)
  }
}
