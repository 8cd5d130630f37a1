import Foundation
import Testing
import UnderstudySchema

@testable import UnderstudyFigures

@Suite struct JSONValueTests {
  @Test func writesSortedKeysAndOneLinePerDataRow() {
    let value: JSONValue = ["b": [["y": 1, "x": 0.5], ["x": nil, "y": true]], "a": "1\n\"\\"]
    #expect(
      value.encoded() == """
        {
         "a":"1\\n\\"\\\\",
         "b":[
          {"x":0.5,"y":1},
          {"x":null,"y":true}
         ]
        }

        """)
  }

  @Test func writesNumbersThatReadBackEqual() throws {
    for number in [0, -0.0, 1, -3, 0.1, 1e-30, 1.5e300, 123_456_789_012, 1 / 3] as [Double] {
      let text = JSONValue.array([.number(number)]).encoded()
      let back = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
      #expect(back[0]?.number == number, "\(text)")
    }
    #expect(JSONValue.array([.number(.nan), .number(.infinity)]).encoded() == "[null,null]\n")
  }

  @Test func roundsToSignificantDigits() {
    #expect(123_456.0.rounded(toDigits: 4) == 123_500)
    #expect(0.000_123_456.rounded(toDigits: 4) == 0.000_123_5)
    #expect((-0.0).rounded(toDigits: 4) == 0)
  }
}
