import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// What the theory says of fully connected students over images.
extension ImagePipelineTests {
  private static let dense = [
    "teacher.layers=\"dense 6\"", "oracle.prunedShares=\"0.5\"", "student.overRealization=2",
    "training.loss=squaredError", "record=[{measures: [layerCorrelations, evaluationLoss], every: 1}]",
  ]

  /// The training images as rows, normalised: from the file's bytes, by plain loops.
  private static func plainRows(of set: URL) throws -> Matrix {
    let bytes = [UInt8](try Data(contentsOf: set.appending(path: "train-images-idx3-ubyte"))).dropFirst(16)
    let pixels = bytes.map { Double($0) / 255 }
    let mean = pixels.reduce(0, +) / Double(pixels.count)
    let deviation = (pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixels.count)).squareRoot()
    return Matrix(
      stride(from: 0, to: pixels.count, by: 36).map { start in
        pixels[start..<start + 36].map { ($0 - mean) / deviation }
      })
  }

  /// The paths of the oracle and of the run's student.
  private static func paths(of run: Run, in results: URL) -> (oracle: String, student: String) {
    let oracle = LabelTraining.weightsName(of: .oracle(of: run))
    return (
      results.appending(path: "artifacts/\(oracle)").path,
      results.appending(path: "weights/\(run.hash).safetensors").path
    )
  }

  @Test("fully connected students: the theory's audit of folded networks over training images, of runs as of files")
  func theory() async throws {
    try await withFolders { set, results in
      let study = try study(set, Self.dense)
      #expect(try await run(study, into: results).recordedCount == 1)
      let store = try ResultsStore.openForReading(results)
      let run = try #require(Array(study.runs).first)
      let record = try ChannelAudits().audit(run, in: store).record
      let found = try #require(record.theory)
      #expect(found.inputsName == "training images 1 to 96 of run \(run.hash)" && found.sampleCount == 96)
      #expect(record.imagesName == "evaluation images of run \(run.hash)" && record.imageCount == 48)

      let paths = Self.paths(of: run, in: results)
      let networks = try [paths.oracle, paths.student].map {
        try NetworkFile.read(path: $0, activation: .relu).folded
      }
      #expect(networks.map(\.hiddenCounts) == [[3], [6]] && networks.allSatisfy(\.isPlain))
      let rows = try Self.plainRows(of: set)
      let (teacher, student) = (Teacher(networks[0]), Student(networks[1]))
      let plain = try audit(of: student, learning: teacher, over: rows)
      #expect(abs(try #require(found.inputSpread) - plain.inputs.spread) < 1e-6)
      #expect(found.inputDimension == 36 && found.bandRanks == [plain.inputs.rank(above: plain.bands[0].width)])
      let rho = try correlation(of: teacher, with: student, over: rows).bestOfTeacherNodes
      for (j, node) in found.teacherNodes.enumerated() {
        #expect(abs(node.correlation - rho[j]) < 1e-5)
        #expect(node.verdict == AuditVerdict(plain.teacherNodes[j].verdict))
        #expect(abs(try #require(node.seenSine) - (try #require(plain.teacherNodes[j].seenSine))) < 1e-4)
        #expect(
          abs(try #require(node.mismatch) - plain.inputs.spread * (1 - rho[j] * rho[j]).squareRoot()) < 1e-4)
      }

      var ofFiles = try ChannelAudits().audit(
        teacherPath: paths.oracle, studentPath: paths.student, images: set.path, activation: .relu
      ).record
      #expect(ofFiles.theory?.inputsName == "training images 1 to 96 of \(set.path)")
      (ofFiles.teacherName, ofFiles.imagesName) = (record.teacherName, record.imagesName)
      ofFiles.theory?.teacherName = found.teacherName
      ofFiles.theory?.inputsName = found.inputsName
      // A run's networks keep their normalisation in single precision; those of files are folded when they are read.
      #expect(ofFiles.theory == found && ofFiles.layers.map(\.learnedCount) == record.layers.map(\.learnedCount))
      #expect(try JSONDecoder().decode(ChannelAuditRecord.self, from: JSONEncoder().encode(record)) == record)

      var without = record
      without.theory = nil
      #expect(try ChannelAudits(theory: nil).audit(run, in: store).record == without)
    }
  }

  @Test("networks with convolutions have no such audit, and mixed pairs none at all")
  func noTheory() async throws {
    try await withFolders { set, results in
      let study = try study(set, ["student.overRealization=1", "training.loss=squaredError"])
      #expect(try await run(study, into: results).recordedCount == 1)
      let run = try #require(Array(study.runs).first)
      let store = try ResultsStore.openForReading(results)
      #expect(try ChannelAudits().audit(run, in: store).record.theory == nil)
      let audits = ChannelAudits(theory: StudentAudits(bands: [0.1]), needsTheory: true)
      let error = #expect(throws: ExperimentError.self) { try audits.audit(run, in: store) }
      #expect(error?.description.contains("has convolutions") == true)

      let dense = results.deletingLastPathComponent().appending(path: "dense")
      let other = try self.study(
        set, Self.dense + ["teacher.layers=\"dense 6, dense 6\"", "oracle.prunedShares=\"0.5-0.5\""])
      #expect(try await self.run(other, into: dense).recordedCount == 1)
      let paths = (
        Self.paths(of: run, in: results).oracle,
        Self.paths(of: try #require(Array(other.runs).first), in: dense).student
      )
      let mixed = #expect(throws: ExperimentError.self) {
        try ChannelAudits().audit(
          teacherPath: paths.0, studentPath: paths.1, images: set.path, activation: .relu)
      }
      #expect(mixed?.description.contains("the student takes") == true, "\(String(describing: mixed))")
    }
  }
}
