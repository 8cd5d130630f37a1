import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Audit") struct AuditTests {
  @Test(
    "a student that holds the teacher: every node predicted and found, merged back to the teacher", arguments: [0, 0.1])
  func exactStudent(slope: Double) throws {
    let teacher = try Draw.network([5, 4, 6], key: 71, slope: slope)
    let student = try Draw.copy(of: teacher, extra: 3)
    let found = try audit(of: student, learning: Teacher(teacher), over: Draw.inputs(2000, 5))
    for (j, node) in found.teacherNodes.enumerated() {
      // Two boundaries near the same samples are within two bands of each other, and no proof is better.
      let proven = try #require(node.proven)
      #expect(node.verdict == .predictedAndFound(eps: proven) && proven > 0.2, "node \(j): \(node.verdict)")
      #expect(abs(try #require(node.predicted) - 0.1) < 0.01, "the band's width, a fifteenth of 1.5")
      #expect(node.alignedStudent == 3 - j && node.matchedStudent == 3 - j)
      #expect(try #require(node.alignment) < 1e-12)
    }
    #expect(found.studentNodes.map(\.isAligned).prefix(4) == [true, true, true, true])
    #expect(found.merged?.student.network.hiddenCounts == [4])
    #expect((found.weightError ?? 1) < 1e-12)
    #expect(found.studentNodes.suffix(3).allSatisfy { $0.strength == 0 })
  }

  @Test("the measured student is corrupted after the gradients: every audit that is built like this shows a violation")
  func plantedViolation() throws {
    let teacher = Teacher(try Draw.network([5, 4, 6], key: 72))
    let student = try Draw.copy(of: teacher.network, extra: 2)
    let x = Draw.inputs(2000, 5)
    var corrupted = student
    // Student node 3 holds teacher node 0; turned further than its witnesses allow, it no longer does.
    for f in 0..<5 { corrupted.network[layer: 0].weights[3, f] += f % 2 == 0 ? 2 : -2 }
    var found = try audit(of: student, learning: teacher, over: x)
    #expect(found.teacherNodes.allSatisfy { $0.verdict.isFound })

    // The alignment of one student with the gradients and witnesses of another.
    found.alignment = try alignment(of: teacher, with: corrupted, spread: found.inputs.spread)
    let judged = found.judgeTeacherNodes()
    guard case .violation = judged[0].verdict else {
      Issue.record("node 0 is \(judged[0].verdict)")
      return
    }
    #expect(judged.dropFirst().allSatisfy { $0.verdict.isFound })

    // Honest gradients of the corrupted student say what is the matter.
    let honest = try audit(of: corrupted, learning: teacher, over: x)
    guard case .notLearned(.gradientTooLarge(let factor)) = honest.teacherNodes[0].verdict else {
      Issue.record("node 0 is \(honest.teacherNodes[0].verdict)")
      return
    }
    #expect(factor > 1)

    // And the kink test with the gradients of one student and the boundaries of the other finds witnesses that no
    // student's boundary explains.
    let aware = try sampleGradients(
      of: student, learning: teacher, over: x, augmentedBy: Augmentation(scheme: .teacherAware, step: 0.1))
    let witnesses = try kinkWitnesses(of: teacher, in: corrupted, over: x, step: 0.1, nodeMaxima: aware.nodeMaxima)
    #expect(witnesses.unexplainedCounts[0] > 0)
  }

  @Test("untrained students are never predicted to be aligned, whatever the seed", arguments: [1, 2, 3, 4, 5, 6])
  func untrained(key: UInt64) throws {
    let teacher = Teacher(try Draw.network([6, 3, 4], key: 80 + key))
    let student = Student(try Draw.network([6, 9, 4], key: 90 + key))
    let found = try audit(
      of: student, learning: teacher, over: Draw.inputs(1000, 6), options: AuditOptions(bands: [0.03, 0.1, 0.3]))
    for node in found.teacherNodes {
      if case .violation(let what) = node.verdict { Issue.record("a violation: \(what)") }
      if case .predictedAndFound = node.verdict { Issue.record("predicted") }
      #expect(node.observers.count == 3)
    }
    #expect(found.bands.allSatisfy { $0.witnesses?.unexplainedCounts.allSatisfy { $0 == 0 } == true })
  }

  @Test("inputs of low rank are named as the cause")
  func lowRank() throws {
    let teacher = Teacher(try Draw.network([6, 3, 4], key: 101))
    let x = InputDesign(count: 800, standardDeviation: 1.5, distribution: .gaussian, rank: 4)
      .draw(for: teacher, key: 3, purpose: .trainingInputs)
    let found = try audit(of: Student(try Draw.network([6, 5, 4], key: 102)), learning: teacher, over: x)
    for node in found.teacherNodes {
      #expect(node.verdict == .notLearned(.lowRankInputs(rank: 4, dimension: 6)))
    }
  }

  @Test("thin inputs: a student at an angle holds all samples near the boundary, and is no violation")
  func thinInputs() throws {
    // Deviations of 1, 1 and 1e-3: rotating a node into a thin direction changes no output by more than 1e-3.
    var x = Draw.inputs(2000, 5, deviation: 1)
    for i in 0..<2000 {
      for f in 2..<5 { x[i, f] *= 1e-3 }
    }
    let teacher = try Draw.network([5, 2, 3], key: 141)
    var student = teacher
    for k in 0..<2 { student[layer: 0].weights[k, 3] += 0.3 }
    let found = try audit(of: Student(student), learning: Teacher(teacher), over: x)
    for node in found.teacherNodes {
      #expect(try #require(node.alignment) > 0.1 && node.predicted == nil && node.proven == nil)
      #expect(node.verdict == .matchedOnInputs(rank: 2, dimension: 5) && (node.seenSine ?? 1) < 1e-3)
    }
  }

  @Test("weights beyond squares: named, or right", arguments: [1e160, 1e200])
  func hugeWeights(scale: Double) throws {
    let teacher = try Draw.network([3, 2, 2], key: 151)
    var rescaled = teacher
    for i in rescaled.layers[0].weights.values.indices { rescaled[layer: 0].weights.values[i] *= scale }
    #expect(
      Boundaries(of: rescaled.layers[0]).relation(of: 0, to: Boundaries(of: teacher.layers[0]), 0)?.sine ?? 1 < 1e-15)
    #expect { try audit(of: Student(rescaled), learning: Teacher(teacher), over: Draw.inputs(50, 3)) } throws: {
      "\($0)".contains("overflow")
    }
  }

  @Test("deeper networks: the lowest layer, with alpha over the regions that the inputs meet")
  func deep() throws {
    // The lowest layer is the widest: nothing that belongs to it may be looked up in the last.
    let teacher = try Draw.network([4, 6, 4, 5], key: 111)
    let found = try audit(of: Student(teacher), learning: Teacher(teacher), over: Draw.inputs(600, 4))
    #expect(found.teacherNodes.allSatisfy { $0.verdict.isFound })
    #expect(found.coupling.regionCount > 1 && found.coupling.hyperplaneCount > 6)
    // It is the teacher already, and the inputs reach every node of it: what is left is as it was.
    let z = teacher.preactivations(of: Draw.inputs(600, 4).transposed)
    for layer in z { #expect((0..<layer.rowCount).allSatisfy { layer.row($0).contains { $0 > 0 } }) }
    let (merged, layers) = (try #require(found.merged), try #require(found.layers))
    #expect(merged.largestChange <= merged.allowedChange && layers.map(\.unitCount) == [6, 4])
    #expect(merged.student.network.hiddenCounts == [6, 4] && (found.weightError ?? 1) < 1e-12)
    #expect(found.studentNodes.allSatisfy { $0.kinkBalance < 1e-12 })
  }

  @Test("dead layers, zero fan-out, constant inputs: named, and every number finite")
  func degenerate() throws {
    let teacher = Teacher(try Draw.network([3, 2, 2], key: 121))
    var dead = try Draw.network([3, 4, 2], key: 122)
    dead[layer: 0].biases = [-99, -99, -99, -99]
    var silent = try Draw.network([3, 4, 2], key: 123)
    silent[layer: 1].weights = Matrix(rowCount: 2, columnCount: 4)
    let constant = Matrix(rowCount: 20, columnCount: 3, repeating: 0.4)
    for (student, inputs, words) in [
      (dead, Draw.inputs(100, 3), "dead"), (silent, Draw.inputs(100, 3), "zero fan-out"),
      (silent, constant, "constant inputs"), (dead, Draw.inputs(2, 3), "fewer samples"),
    ] {
      let found = try audit(of: Student(student), learning: teacher, over: inputs)
      let notes = found.inputs.notes + found.teacher.notes + found.studentNotes
      #expect(notes.contains { $0.contains(words) }, "\(notes)")
      var numbers: [Double] = []
      for node in found.teacherNodes { numbers += [node.bestAlpha, node.predicted ?? 0, node.alignment ?? 0] }
      for node in found.studentNodes { numbers += [node.strength, node.kinkBalance, node.alignment ?? 0] }
      for band in found.bands {
        numbers += band.observation.tau + [band.density.value, band.agnosticGradients.largest]
      }
      #expect(numbers.allSatisfy { $0.isFinite })
      #expect(found.teacherNodes.allSatisfy { if case .violation = $0.verdict { false } else { true } })
    }
  }

  @Test("networks and inputs that do not fit are refused, and so are weights that are not finite")
  func shapes() throws {
    let teacher = Teacher(try Draw.network([3, 4, 2], key: 131))
    let x = Draw.inputs(50, 3)
    #expect(throws: ShapeError.self) {
      try audit(of: Student(try Draw.network([3, 3, 2], key: 1)), learning: teacher, over: x)
    }
    #expect(throws: ShapeError.self) {
      try audit(of: Student(try Draw.network([3, 4, 3, 2], key: 1)), learning: teacher, over: x)
    }
    #expect(throws: ShapeError.self) {
      try audit(of: Student(try Draw.network([3, 4, 2], key: 1)), learning: teacher, over: Draw.inputs(50, 2))
    }
    var diverged = try Draw.network([3, 4, 2], key: 1)
    diverged[layer: 0].weights[0, 0] = .infinity
    #expect { try audit(of: Student(diverged), learning: teacher, over: x) } throws: { "\($0)".contains("diverged") }
  }

  /// A node that is inactive at all inputs observes with its slope, if it has one: its gradient has the kink c times.
  @Test("an inactive leaky node observes with c times its alpha", arguments: [0, 0.2])
  func inactiveObservers(slope: Double) throws {
    let teacher = try Draw.twoLayers([[2, 0, 0.1]], fanOuts: [[3]], slope: slope)
    let student = try Draw.twoLayers([[0.1, 0.5, -50]], fanOuts: [[0.5]], slope: slope)
    let audit = try audit(of: Student(student), learning: Teacher(teacher), over: Draw.inputs(400, 2))
    let node = audit.teacherNodes[0]
    if slope > 0 {
      #expect(node.observers[0].map(\.student) == [0] && node.observers[0][0].kappa == 0)
      // |alpha| = 0.5 * 3, ||w*|| = 2.
      #expect(abs(node.bestAlpha - 0.2 * 3) < 1e-12 && abs(node.observers[0][0].alpha - 0.2 * 3) < 1e-12)
    } else {
      #expect(node.observers[0].isEmpty && node.verdict == .notLearned(.noObserver))
    }
  }
}
