import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Verdicts") struct VerdictTests {
  /// A node of which everything is fine: found, and predicted.
  static let fine = NodeEvidence(
    isDead: false, isVisible: true, dimension: 5,
    bands: [
      NodeEvidence.Band(
        width: 0.1, rank: 5, neighbour: nil, sampleCount: 100, observerCount: 4, bestAlpha: 0.5, strongestAlpha: 2,
        predicted: 0.02, witnessCount: 20, unexplainedCount: 0, proof: .init(eps: 0.25, isBroken: false))
    ], measured: 0.001)

  private func verdict(_ change: (inout NodeEvidence) -> Void) -> Verdict {
    var evidence = Self.fine
    change(&evidence)
    return evidence.verdict
  }

  @Test("predicted and found, found though not predicted")
  func found() {
    #expect(Self.fine.verdict == .predictedAndFound(eps: 0.25), "what is promised is what is proven")
    #expect(verdict { $0.bands[0].predicted = 3 } == .foundThoughNotPredicted)
    #expect(verdict { $0.bands[0].witnessCount = 5 } == .foundThoughNotPredicted)
    #expect(verdict { $0.bands[0].rank = 4 } == .foundThoughNotPredicted)
    #expect(verdict { $0.bands[0].proof = nil } == .foundThoughNotPredicted)
    // The smallest proof counts, whichever band it comes from.
    #expect(
      verdict {
        $0.bands.insert($0.bands[0], at: 0)
        $0.bands[0].width = 0.05
        $0.bands[0].proof?.eps = 0.12
        $0.measured = 0.08
      } == .predictedAndFound(eps: 0.12))
  }

  @Test("not learned: the first condition that fails, in order")
  func causes() {
    func cause(_ change: (inout NodeEvidence) -> Void) -> Verdict {
      verdict {
        $0.measured = 0.8
        change(&$0)
      }
    }
    #expect(cause { $0.isDead = true } == .notLearned(.dead))
    #expect(cause { $0.isVisible = false } == .notLearned(.invisible))
    #expect(cause { $0.bands[0].neighbour = 1 } == .notLearned(.notSeparated(from: 1)))
    #expect(cause { $0.bands[0].rank = 3 } == .notLearned(.lowRankInputs(rank: 3, dimension: 5)))
    #expect(
      cause { $0.bands[0].sampleCount = 5 }
        == .notLearned(.tooFewSamples(found: 5, needed: 6, areWitnesses: false)))
    #expect(
      cause {
        $0.bands[0].observerCount = 0
        $0.bands[0].predicted = nil
      } == .notLearned(.noObserver))
    // As strong as the strongest, 4 times stronger, it would be predicted to 0.2 / 4 = 0.05.
    #expect(cause { $0.bands[0].predicted = 0.2 } == .notLearned(.weakAlpha(timesWeaker: 4)))
    #expect(cause { $0.bands[0].predicted = 0.8 } == .notLearned(.gradientTooLarge(factor: 8)))
    #expect(
      cause { $0.bands[0].witnessCount = 0 } == .notLearned(.tooFewSamples(found: 0, needed: 6, areWitnesses: true)))
    #expect(cause { $0.bands[0].witnessCount = nil } == .notLearned(.gradientsNotMeasured), "nobody looked for them")
    #expect(cause { $0.bands[0].proof = nil } == .notLearned(.thinWitnesses(count: 20)))
    #expect(cause { _ in } == .notLearned(.provenOnlyTo(eps: 0.25)))
    // The order: rank before gradient, the node's own faults before all.
    #expect(
      cause {
        $0.bands[0].rank = 3
        $0.bands[0].predicted = 9
      } == .notLearned(.lowRankInputs(rank: 3, dimension: 5)))
  }

  @Test("inputs of low rank: matched where a student node has the function within the widest band")
  func matched() {
    func verdict(_ change: (inout NodeEvidence) -> Void) -> Verdict {
      self.verdict {
        ($0.measured, $0.mismatch, $0.bands[0].rank) = (0.8, 0.1, 3)
        change(&$0)
      }
    }
    #expect(verdict { _ in } == .matchedOnInputs(rank: 3, dimension: 5))
    #expect(verdict { $0.mismatch = 0.11 } == .notLearned(.lowRankInputs(rank: 3, dimension: 5)))
    #expect(verdict { $0.measured = 0.05 } == .foundThoughNotPredicted, "aligned is more than matched")
    #expect(verdict { $0.bands[0].rank = 5 } == .notLearned(.provenOnlyTo(eps: 0.25)), "of full rank")
    #expect(verdict { $0.bands[0].neighbour = 1 } == .notLearned(.notSeparated(from: 1)))
    #expect(verdict { $0.isVisible = false } == .notLearned(.invisible))
    #expect(
      verdict {
        $0.bands.append($0.bands[0])
        ($0.bands[1].width, $0.mismatch) = (0.3, 0.2)
      } == .matchedOnInputs(rank: 3, dimension: 5), "the widest band counts")
  }

  @Test("a prediction asks for everything but small gradients, and is not below the band's width")
  func predictions() {
    func prediction(_ change: (inout NodeEvidence) -> Void) -> Double? {
      var evidence = Self.fine
      change(&evidence)
      return evidence.predicted
    }
    #expect(Self.fine.predicted == 0.1)
    #expect(prediction { $0.bands[0].predicted = 3 } == 3)
    #expect(prediction { $0.bands[0].rank = 4 } == nil)
    #expect(prediction { $0.bands[0].neighbour = 2 } == nil)
    #expect(prediction { $0.bands[0].witnessCount = 5 } == nil)
    #expect(prediction { $0.bands[0].sampleCount = 5 } == nil)
    #expect(prediction { $0.isVisible = false } == nil)
  }

  @Test("only what is proven can be violated")
  func violation() {
    #expect(verdict { $0.measured = 0.2 } == .notLearned(.provenOnlyTo(eps: 0.25)), "0.1 is predicted, 0.25 proven")
    guard case .violation = verdict({ $0.bands[0].proof?.isBroken = true }) else {
      Issue.record("boundaries that are further apart than their witnesses prove")
      return
    }
    guard case .violation = verdict({ $0.bands[0].unexplainedCount = 1 }) else {
      Issue.record("a witness without a student's boundary near it")
      return
    }
  }
}

@Suite("Kink test") struct KinkTests {
  @Test("second differences of the gradient are the sum of kinks", arguments: [0, 0.1])
  func identity(slope: Double) throws {
    let teacher = try Draw.network([4, 3, 5], key: 61, slope: slope)
    let student = try Draw.network([4, 6, 5], key: 62, slope: slope)
    let (ours, theirs) = (Boundaries(of: teacher.layers[0]), Boundaries(of: student.layers[0]))
    let s = 0.4
    var checkedCount = 0
    let x = Draw.inputs(200, 4)
    for i in 0..<200 {
      let j = i % 3
      let u = Array(ours.directions.row(j))
      let points = [-s, 0, s].map { t in zip(x.row(i), u).map { $0 + t * $1 } }
      let block = Matrix(points).transposed.padded(columns: 8)
      let g = hiddenGradients(of: student, learning: teacher, at: block)[0]
      let z = student.preactivations(of: block)[0]
      for k in 0..<6 where (0..<3).allSatisfy({ z[k, $0] > 0 }) {
        func hinge(_ boundaries: Boundaries, _ node: Int) -> Double {
          let distance = dotProduct(boundaries.directions.row(node), x.row(i)) + boundaries.offsets[node]
          let reach = s * abs(dotProduct(u, boundaries.directions.row(node)))
          return boundaries.norms[node] * max(0, reach - abs(distance))
        }
        let v = student.fanOutWeights.row(k)
        let kinks =
          (0..<3).reduce(0) { $0 + dotProduct(v, teacher.fanOutWeights.row($1)) * hinge(ours, $1) }
          - (0..<6).reduce(0) { $0 + dotProduct(v, student.fanOutWeights.row($1)) * hinge(theirs, $1) }
        #expect(abs(g[k, 0] + g[k, 2] - 2 * g[k, 1] - (1 - slope) * kinks) < 1e-12)
        checkedCount += 1
      }
    }
    #expect(checkedCount > 50)
  }

  @Test("a student that is the teacher has witnesses everywhere, each explained by the right node")
  func exactStudent() throws {
    let teacher = try Draw.network([4, 3, 5], key: 63)
    let student = try Draw.copy(of: teacher, extra: 4)
    let x = Draw.inputs(2000, 4)
    let aware = try sampleGradients(
      of: student, learning: Teacher(teacher), over: x, augmentedBy: Augmentation(scheme: .teacherAware, step: 0.1))
    #expect(aware.largest < 1e-13)
    let found = try kinkWitnesses(
      of: Teacher(teacher), in: student, over: x, step: 0.1, nodeMaxima: aware.nodeMaxima)
    #expect(found.explainingStudents == [2, 1, 0])
    #expect(found.counts.allSatisfy { $0 > 10 })
    #expect(found.explainedCounts == found.counts)
    #expect(found.unexplainedCounts == [0, 0, 0])
    for (j, proof) in found.proofs.enumerated() {
      #expect(proof?.student == 2 - j && proof?.witnessCount == found.counts[j])
    }
  }

  @Test("deeper networks: the upper gates agree at the three points")
  func deep() throws {
    let teacher = try Draw.network([3, 3, 4, 5], key: 64)
    let student = Student(teacher)
    let x = Draw.inputs(1000, 3)
    let aware = try sampleGradients(
      of: student, learning: Teacher(teacher), over: x, augmentedBy: Augmentation(scheme: .teacherAware, step: 0.1))
    let found = try kinkWitnesses(
      of: Teacher(teacher), in: student, over: x, step: 0.1, nodeMaxima: aware.nodeMaxima)
    #expect(found.counts.reduce(0, +) > 10)
    #expect(found.unexplainedCounts == [0, 0, 0])
  }
}
