import Synchronization
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

@testable import UnderstudyExperiments

/// Networks and data sets that runs share.
@Suite("Artifacts") struct ArtifactTests {
  @Test("runs that describe the same teacher and data have one of each in memory, and others their own")
  func sharing() throws {
    let artifacts = Artifacts()
    let study = try tinyStudy(["student.overRealization=[1, 2]", "training.outputNoise=[0, 0.1]", "seeds=2"])
    func prepared(_ setting: Int, seed: Int) throws -> (PreparedRun, Dataset) {
      let run = try PreparedRun(study.runs[2 * setting + seed], sharing: artifacts)
      return (run, try run.trainingSet(index: 0))
    }
    let (narrow, noisy, wide, other) = (
      try prepared(0, seed: 0), try prepared(1, seed: 0), try prepared(2, seed: 0), try prepared(0, seed: 1)
    )
    #expect(narrow.0.teacher == wide.0.teacher && narrow.0.initialStudent != wide.0.initialStudent)
    #expect(narrow.1 === wide.1 && narrow.0.evaluation === wide.0.evaluation)
    #expect(narrow.1 !== noisy.1 && narrow.1.inputs == noisy.1.inputs && narrow.1.targets != noisy.1.targets)
    #expect(narrow.0.evaluation === noisy.0.evaluation, "evaluation has no noise")
    #expect(narrow.0.teacher != other.0.teacher && narrow.1.inputs != other.1.inputs)
    // As without anything to share.
    let alone = try PreparedRun(study.runs[4])
    #expect(try alone.trainingSet(index: 0).inputs == wide.1.inputs && alone.teacher == wide.0.teacher)
  }

  @Test("whatever a recipe depends on makes another value")
  func recipes() throws {
    func recipe(_ overrides: [String], _ make: (Run) -> Recipe) throws -> String {
      make(try tinyStudy(overrides).runs[0]).hash
    }
    for change in ["teacher.strengthDecay=2", "teacher.hiddenNodes=4", "network.biases=false", "seeds=[9]"] {
      #expect(try recipe([change], Recipe.teacher) != recipe([], Recipe.teacher), "\(change)")
    }
    for same in ["student.overRealization=3", "training.epochs=9", "inputs.training.count=77"] {
      #expect(try recipe([same], Recipe.teacher) == recipe([], Recipe.teacher), "\(same)")
    }
    let calibrated = ["teacher.weights=gaussian", "teacher.normalizedOutput=true"]
    #expect(
      try recipe(calibrated + ["inputs.standardDeviation=3"], Recipe.teacher) != recipe(calibrated, Recipe.teacher))
    func set(_ run: Run) -> Recipe { .trainingSet(0, of: run) }
    for change in [
      "teacher.strengthDecay=2", "inputs.training.count=77", "inputs.standardDeviation=3", "inputs.rank=2",
      "inputs.augmentation=teacherAgnostic", "training.outputNoise=0.1", "seeds=[9]",
    ] {
      #expect(try recipe([change], set) != recipe([], set), "\(change)")
    }
    let run = try tinyStudy([]).runs[0]
    #expect(Recipe.trainingSet(1, of: run).hash != Recipe.trainingSet(0, of: run).hash)
    #expect(Recipe.evaluation(of: run).hash != Recipe.trainingSet(0, of: run).hash)
  }

  @Test("a value is made once, whoever asks at the same time; a failure is not kept")
  func once() async throws {
    struct Failure: Error {}
    let artifacts = Artifacts()
    final class Counter: Sendable { let value = Mutex(0) }
    let counter = Counter()
    let recipe = Recipe.evaluation(of: try tinyStudy([]).runs[0])
    #expect(throws: Failure.self) {
      _ = try artifacts.inputs(recipe) { () throws(Failure) -> Matrix in throw Failure() }
    }
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let matrix = artifacts.inputs(recipe) {
            counter.value.withLock { $0 += 1 }
            return Matrix(rowCount: 2, columnCount: 3)
          }
          #expect(matrix.rowCount == 2)
        }
      }
    }
    #expect(counter.value.withLock { $0 } == 1)
  }

  @Test("what was not used for longest goes when there is no room")
  func room() throws {
    let artifacts = Artifacts(byteLimit: 2 * 8 * 100)
    var made: [Int] = []
    func use(_ index: Int) throws {
      _ = artifacts.inputs(.trainingSet(index, of: try tinyStudy([]).runs[0])) {
        made.append(index)
        return Matrix(rowCount: 10, columnCount: 10)
      }
    }
    for index in [0, 1, 0, 2, 0, 1] { try use(index) }
    #expect(made == [0, 1, 2, 1])
  }

  @Test("a data set is packed once for each precision")
  func packing() {
    let dataset = Dataset(inputs: Matrix(rowCount: 4, columnCount: 2), targets: Matrix(rowCount: 4, columnCount: 1))
    #expect(dataset.packed(Double.self) === dataset.packed(Double.self))
    #expect(dataset.packed(Float.self) === dataset.packed(Float.self) && dataset.packed(Float.self).count == 4)
  }
}
