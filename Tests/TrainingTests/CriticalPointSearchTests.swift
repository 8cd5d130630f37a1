import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

@Suite("Search for critical points, step by step") struct CriticalPointSearchTests {
  /// A student of noisy targets, which it never meets.
  private func example(hidden: [Int], slope: Double) throws -> (student: Student, inputs: Matrix, targets: Matrix) {
    let teacher = try TeacherDesign(
      inputCount: 5, hiddenCounts: hidden.map { $0 / 2 }, outputCount: 3, weights: .gaussian(scale: 1), bias: 0.1,
      strengthDecay: 0, activation: Activation(negativeSlope: slope)
    ).draw(key: 4)
    let student = try StudentDesign(hiddenCounts: hidden, scale: 1, initialization: .uniform).draw(for: teacher, key: 4)
    let inputs = InputDesign(count: 150, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: 4, purpose: .trainingInputs)
    var targets = try teacher.network.outputs(for: inputs)
    addOutputNoise(to: &targets, standardDeviation: 0.1, key: 4)
    return (student, inputs, targets)
  }

  /// More steps than the system is kept up to date for without being made anew, with restarts among them.
  @Test(
    "a search that goes on from where it stood takes the same steps, to the bit",
    arguments: [[8], [6, 6]], [(320 << 20, 0.0), (0, 0), (320 << 20, 0.2)])
  func goingOn(hidden: [Int], kind: (bytes: Int, slope: Double)) throws {
    let (student, inputs, targets) = try example(hidden: hidden, slope: kind.slope)
    let plan = CriticalPointPlan(iterationLimit: 80, systemByteLimit: kind.bytes)
    func search(from progress: CriticalPointProgress? = nil) throws -> CriticalPointSearch {
      try CriticalPointSearch(student, along: plan, on: inputs, targets: targets, key: 1, from: progress)
    }
    var whole = try search()
    var places = [whole.progress]
    while !whole.isOver {
      whole.step()
      places.append(whole.progress)
    }
    let expected = try whole.result()
    #expect(expected.report.iterationCount == 80 && expected.report.restartCount > 1)
    let longest = places.map(\.trail.count).max()
    #expect(longest == (hidden.count == 1 && kind.bytes > 0 ? searchMemory.trail : 1))
    for index in stride(from: 0, to: places.count, by: 7) {
      var resumed = try search(from: places[index])
      #expect(resumed.progress == places[index])
      while !resumed.isOver {
        resumed.step()
        #expect(resumed.progress == places[resumed.progress.iterationCount])
      }
      let result = try resumed.result()
      #expect(result.student == expected.student && result.report == expected.report)
    }
  }

  @Test("where another student's search stands is refused")
  func refusal() throws {
    let (student, inputs, targets) = try example(hidden: [8], slope: 0)
    let (other, otherInputs, otherTargets) = try example(hidden: [6], slope: 0)
    let progress = try CriticalPointSearch(
      other, along: CriticalPointPlan(), on: otherInputs, targets: otherTargets, key: 1
    ).progress
    #expect(throws: ShapeError.self) {
      _ = try CriticalPointSearch(
        student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1, from: progress)
    }
  }
}
