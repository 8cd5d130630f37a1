import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

/// Damaged files are parsed or refused: whatever the bytes, nothing else happens. A crash would end the test program.
@Suite struct FileFuzzTests {
  /// Values that a format gives a meaning: ends of the range, control bytes, and what JSON is written with.
  private static let meanings = [0, 1, 0x7F, 0x80, 0xFF] + Array("\"{}[]:,\\09-.eE tnfF".utf8)

  /// Every truncation; every change of one byte to any other value, or, of larger files, to the values that differ by one
  /// bit or by 1 and those with a meaning.
  private func attack(_ data: Data, isExhaustive: Bool = true, _ decode: (Data) throws -> Void) {
    func attempt(_ bytes: Data, _ what: String) -> Bool {
      do {
        try decode(bytes)
        return true
      } catch let error as FileError {
        #expect(error.path == "given.file" && !error.message.isEmpty)
      } catch {
        Issue.record("\(what): not a FileError: \(error)")
      }
      return false
    }
    #expect(attempt(data, "unchanged"))
    for count in 0..<data.count {
      #expect(!attempt(data.prefix(count), "truncated"), "the first \(count) bytes were taken for a whole file")
    }
    var bytes = data
    for place in data.indices {
      let original = bytes[place]
      let near = (0..<8).map { original ^ (1 << $0) } + [original &+ 1, original &- 1]
      let values = isExhaustive ? Set(UInt8.min...UInt8.max) : Set(near + Self.meanings)
      for value in values where value != original {
        bytes[place] = value
        _ = attempt(bytes, "byte \(place) is \(value)")
      }
      bytes[place] = original
    }
  }

  @Test func networks() throws {
    let data = NetworkFile.encode(try smallNetwork(biases: false), precision: .float32, metadata: ["a": "b"])
    attack(data) { _ = try NetworkFile.decode($0, name: "given.file", activation: .relu) }
  }

  @Test func normalizedNetworks() throws {
    let network = try normalizedNetwork(
      widths: [1, 1, 1], placement: .afterActivation, learnt: true, biases: false, slope: 0, key: 1)
    attack(NetworkFile.encode(network, precision: .float32)) {
      _ = try NetworkFile.decode($0, name: "given.file", activation: .relu)
    }
  }

  @Test func onnxModels() throws {
    let network = try normalizedNetwork(
      widths: [1, 1, 1], placement: .afterActivation, learnt: true, biases: false, slope: 0.5, key: 1)
    attack(ONNXFile.encode(network, producer: "a"), isExhaustive: false) {
      _ = try ONNXFile.decode($0, name: "given.file")
    }
  }

  @Test func stateDicts() throws {
    let network = try normalizedNetwork(
      widths: [1, 1, 1], placement: .afterActivation, learnt: true, biases: false, slope: 0, key: 1)
    let data = try StateDictFile.encode(
      network, names: .sequential(of: network), template: "given.file", precision: .float32)
    attack(data, isExhaustive: false) {
      let file = try SafetensorsFile.decode($0, name: "given.file")
      _ = try StateDictFile.decode(file, name: "given.file", describedBy: NetworkDescription())
    }
  }

  @Test func matrices() {
    let data = npy(descr: "<f4", shape: "(2, 1)", littleEndian([1, 2].map { Float($0).bitPattern }))
    attack(data) { _ = try ArrayFile.decodeMatrix($0, name: "given.file") }
    attack(ArrayFile.encode(Matrix([[1, 2], [3, 4]]))) { _ = try ArrayFile.decodeMatrix($0, name: "given.file") }
  }

  @Test func batches() {
    let data = npy(descr: "<i8", shape: "(1, 2)", littleEndian([0, 3] as [Int64]), version: 2)
    attack(data) { _ = try ArrayFile.decodeBatches($0, name: "given.file", sampleCount: 4) }
  }
}
